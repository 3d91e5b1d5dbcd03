import type { Gang } from '../api/gang-schemas.js';
import type { Sink } from '../environment.js';
import type { Paint } from './colours.js';
import { gangTable } from './gang-table.js';
import { gangTotals } from './gang-totals.js';
import type { ProgressView } from './progress-view.js';
import { RedrawnBlock } from './redrawn-block.js';

/** Beside the table: what is above and below it, a question, and where the cursor stands. */
const OTHER_LINES = 4;

/** All guests of a gang, as a table that redraws itself at the bottom of a terminal. */
export class LiveGangView implements ProgressView<Gang> {
  readonly #sink: Sink;
  readonly #block: RedrawnBlock;
  readonly #paint: Paint;

  constructor(sink: Sink, paint: Paint) {
    this.#sink = sink;
    this.#block = new RedrawnBlock(sink, paint);
    this.#paint = paint;
  }

  show(gang: Gang): void {
    const { width } = this.#block;
    const { destination, mode, atOnce, state } = gang;
    const title = `to ${destination.url}, ${mode}, ${atOnce} at once${state === 'cancelling' ? ', being cancelled' : ''}`;
    const [head = '', ...rows] = gangTable(gang, this.#sink.rows - OTHER_LINES);
    this.#block.draw([
      this.#paint('bold', title.slice(0, width)),
      this.#paint('dim', head.slice(0, width)),
      ...rows.map((row) => row.slice(0, width)),
      gangTotals(gang).slice(0, width),
    ]);
  }

  note(lines: readonly string[]): void {
    this.#block.note(lines);
  }

  ask(question: string | undefined): void {
    this.#block.ask(question);
  }

  close(): void {
    this.#block.close();
  }
}
