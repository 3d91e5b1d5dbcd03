import { Refused, problemOf } from '../api/problem.js';
import { byId, setAttribute, setText } from '../dom/element.js';
import { formatDuration } from './format.js';

/** Whether what is shown is what is so. */
export class ConnectionStatus {
  readonly #node = byId('connection');
  readonly #main = byId('main');

  live(): void {
    this.#show('good', 'Live');
  }

  /** @param retryMs until it is tried again */
  lost(thrown: unknown, retryMs: number): void {
    const { title, detail } = problemOf(thrown);
    const what = thrown instanceof Refused ? title : 'Connection lost';
    this.#show('bad', `${what}, trying again in ${formatDuration(retryMs)}`);
    setAttribute(this.#node, 'title', detail ?? title);
  }

  locked(): void {
    this.#show('warning', 'Waiting for a token');
  }

  #show(tone: string, text: string): void {
    setText(this.#node, text);
    setAttribute(this.#node, 'data-tone', tone);
    this.#node.removeAttribute('title');
    this.#main.classList.toggle('outdated', tone === 'bad');
  }
}
