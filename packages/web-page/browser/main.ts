import { ApiClient } from './api/client.js';
import { TokenStore } from './api/token.js';
import { Page } from './page.js';
import { bindThemeSwitch } from './theme.js';

const tokens = new TokenStore(sessionStorage);
const page = new Page(new ApiClient(tokens), tokens);
bindThemeSwitch(document.querySelectorAll<HTMLInputElement>('input[name="theme"]'), () => {
  page.restyle();
});
page.start();
