import { byId, setText } from '../dom/element.js';

/** Asks for the API's token, and tells of the one that is in use. */
export class TokenForm {
  readonly #form = byId('token-form');
  readonly #reason = byId('token-reason');
  readonly #input: HTMLInputElement;

  /** @param onToken is given what was typed */
  constructor(onToken: (token: string) => void) {
    const input = byId('token');
    if (!(input instanceof HTMLInputElement)) throw new TypeError('#token is no input');
    this.#input = input;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const token = input.value.trim();
      input.value = '';
      if (token === '') return;
      this.#form.hidden = true;
      onToken(token);
    });
  }

  ask(wasRefused: boolean): void {
    setText(
      this.#reason,
      wasRefused
        ? 'The token was refused: it is not one of those in the file that apiTokenFile names.'
        : 'This agent asks for a token: one of those in the file that apiTokenFile names.',
    );
    if (!this.#form.hidden) return;
    this.#form.hidden = false;
    this.#input.focus();
  }

  hide(): void {
    this.#form.hidden = true;
  }
}
