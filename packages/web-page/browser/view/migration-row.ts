import type { Migration } from '../api/migration.js';
import { element, setAttribute, setText } from '../dom/element.js';
import { ProgressBar } from '../dom/progress-bar.js';
import { StateBadge } from '../dom/state-badge.js';
import { addressOf } from '../route.js';
import {
  formatBytes,
  formatDuration,
  formatRate,
  formatTime,
  formatTimeShort,
  hostOf,
  known,
} from './format.js';
import { isOver } from './phases.js';
import { progressOf } from './progress.js';

/** A migration in the list. */
export class MigrationRow {
  readonly #link = element('a');
  /** Where the columns of the destination and of the progress have no room. */
  readonly #where = element('span', { class: 'where' });
  readonly #narrowProgress = new ProgressBar();
  readonly #progress = new ProgressBar();
  readonly #badge = new StateBadge();
  readonly #host = element('span', { class: 'host' });
  readonly #nameThere = element('span', { class: 'name-there' });
  readonly #mode = cell('mode');
  readonly #remaining = cell('remaining number');
  readonly #sent = cell('sent number');
  readonly #rate = cell('rate number');
  readonly #downtime = cell('downtime number');
  readonly #started = cell('started number');
  readonly #duration = cell('duration number');
  readonly node: HTMLTableRowElement;

  constructor(id: string) {
    this.#link.href = addressOf(id);
    this.#narrowProgress.node.classList.add('narrow');
    this.node = element(
      'tr',
      { class: 'migration', attributes: { 'data-id': id } },
      element('th', { class: 'guest', attributes: { scope: 'row' } }, this.#link, this.#where),
      element('td', { class: 'destination' }, this.#host, this.#nameThere),
      this.#mode,
      element('td', { class: 'state' }, this.#badge.node, this.#narrowProgress.node),
      element('td', { class: 'arrived' }, this.#progress.node),
      this.#remaining,
      this.#sent,
      this.#rate,
      this.#downtime,
      this.#started,
      this.#duration,
    );
  }

  show(migration: Migration, now: number): void {
    const { guest, destination, mode, state, bandwidth } = migration;
    const { remainingBytes, downtimeMs } = progressOf(migration);
    const host = hostOf(destination.url);
    setText(this.#link, guest);
    setText(this.#where, host);
    setText(this.#host, host);
    setText(this.#nameThere, destination.guest === guest ? '' : ` as ${destination.guest}`);
    setText(this.#mode, mode);
    this.#badge.show(state);
    this.#progress.show(migration);
    this.#narrowProgress.show(migration);
    setText(this.#remaining, known(remainingBytes, formatBytes));
    setText(this.#sent, formatBytes(migration.sentBytes));
    setText(this.#rate, known(isOver(migration) ? meanRate(migration) : bandwidth, formatRate));
    setText(this.#downtime, known(downtimeMs, formatDuration));
    setText(this.#started, formatTimeShort(migration.startedAt, now));
    setAttribute(this.#started, 'title', formatTime(migration.startedAt));
    setText(this.#duration, formatDuration(migration.totalMs));
  }
}

const cell = (className: string): HTMLTableCellElement => element('td', { class: className });

/** Over all of it, bytes a second. */
function meanRate({ sentBytes, totalMs }: Migration): number | undefined {
  return sentBytes > 0 && totalMs > 0 ? (sentBytes / totalMs) * 1000 : undefined;
}
