import type { Sink } from '../environment.js';
import type { Paint } from './colours.js';
import { writeLines } from './progress-view.js';

const LEAST_WIDTH = 13;

/** Lines at the bottom of a terminal that are drawn again in their place, with a question below them if there is one. */
export class RedrawnBlock {
  readonly #sink: Sink;
  readonly #paint: Paint;
  #lines: readonly string[] = [];
  #question: string | undefined;
  #drawnLines = 0;

  constructor(sink: Sink, paint: Paint) {
    this.#sink = sink;
    this.#paint = paint;
  }

  /** A line that wrapped would be two, and the next redraw would begin in the wrong one. */
  get width(): number {
    return Math.max(this.#sink.columns - 1, LEAST_WIDTH);
  }

  /** Draws these lines instead of those before; none may be wider than {@link width}. */
  draw(lines: readonly string[]): void {
    this.#lines = lines;
    this.#redraw();
  }

  /** Adds lines above, which stay. */
  note(lines: readonly string[]): void {
    this.#sink.write(this.#erasure());
    this.#drawnLines = 0;
    writeLines(this.#sink, lines);
    this.#redraw();
  }

  ask(question: string | undefined): void {
    this.#question = question;
    this.#redraw();
  }

  close(): void {
    this.#sink.write(this.#erasure());
    this.#drawnLines = 0;
    this.#lines = [];
    this.#question = undefined;
  }

  #redraw(): void {
    const question = this.#question?.slice(0, this.width);
    const lines = question === undefined ? this.#lines : [...this.#lines, this.#paint('bold', question)];
    this.#sink.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }

  #erasure(): string {
    return this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A\r\x1b[J`;
  }
}
