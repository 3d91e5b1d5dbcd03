export { packagedFiles } from './page-files.js';
export { serveWebPage } from './serve-web-page.js';
