import type { Migration } from './api/migration.js';
import type { Problem } from './api/problem.js';
import type { Sample } from './chart/series.js';
import { newer } from './live/migration-store.js';
import { DetailView } from './view/detail-view.js';
import type { AskAgent } from './view/actions.js';
import { isOver } from './view/phases.js';

const MOST_SAMPLES = 4096;
/** Between two samples: what was sent in less says nothing about a rate. */
const SAMPLE_MS = 250;

/** The migration that the page is open at, with what was seen of it since. */
export class OpenMigration {
  readonly id: string;
  readonly view: DetailView;
  readonly #samples: Sample[] = [];
  #migration: Migration | undefined;

  constructor(id: string, ask: AskAgent) {
    this.id = id;
    this.view = new DetailView(ask);
    this.view.node.hidden = true;
  }

  get migration(): Migration | undefined {
    return this.#migration;
  }

  take(news: Migration): void {
    if (news.id !== this.id) return;
    const isFirst = this.#migration === undefined;
    this.#migration = newer(this.#migration, news);
    this.#sample(this.#migration);
    this.#show();
    if (isFirst) this.view.focus();
  }

  refuse(problem: Problem | undefined): void {
    this.view.refuse(problem);
    this.#show();
  }

  /** What the table of iterations does not say is known only from being watched. */
  #sample(migration: Migration): void {
    const { totalMs, remainingPages, sentBytes, bandwidth } = migration;
    const isSending = migration.state !== 'setup' && !isOver(migration);
    if (!isSending || totalMs < (this.#samples.at(-1)?.totalMs ?? 0) + SAMPLE_MS) return;
    this.#samples.push({ totalMs, remainingPages, sentBytes, bandwidth });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
  }

  #show(): void {
    if (this.#migration === undefined) return;
    this.view.node.hidden = false;
    this.view.show(this.#migration, this.#samples);
  }
}
