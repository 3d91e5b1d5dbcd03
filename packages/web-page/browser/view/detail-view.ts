import type { Migration } from '../api/migration.js';
import type { Problem } from '../api/problem.js';
import { Charts } from '../chart/charts.js';
import type { Sample } from '../chart/series.js';
import { element, setText } from '../dom/element.js';
import { ProgressBar } from '../dom/progress-bar.js';
import { StateBadge } from '../dom/state-badge.js';
import { Actions, type AskAgent } from './actions.js';
import { DowntimeSplit } from './downtime.js';
import { FigureList, liveFigures, settledFigures } from './figures.js';
import { hostOf } from './format.js';
import { PageKinds } from './page-kinds.js';
import { problemBox } from './problem-box.js';
import { StoragePanel } from './storage-panel.js';
import { summaryOf } from './summary.js';
import { Timeline } from './timeline.js';

/** One migration, with all that is known of it. */
export class DetailView {
  readonly #title = element('h1', { attributes: { id: 'detail-title', tabindex: '-1' } });
  readonly #badge = new StateBadge();
  readonly #progress = new ProgressBar();
  readonly #summary = element('p', { class: 'summary' });
  readonly #problems = element('div', { class: 'problems', attributes: { role: 'alert' } });
  readonly #live = new FigureList('tiles');
  readonly #settled = new FigureList('facts');
  readonly #charts = new Charts();
  readonly #timeline = new Timeline();
  readonly #downtime = new DowntimeSplit();
  readonly #kinds = new PageKinds();
  readonly #storage = new StoragePanel();
  readonly #actions: Actions;
  #refused: Problem | undefined;
  #shownProblems = '';
  readonly node: HTMLElement;

  constructor(ask: AskAgent) {
    this.#actions = new Actions(ask);
    const back = element('a', { class: 'back', text: '← All migrations', attributes: { href: '#' } });
    this.node = element(
      'section',
      { class: 'detail', attributes: { 'aria-labelledby': 'detail-title' } },
      back,
      element('div', { class: 'heading' }, this.#title, this.#badge.node, this.#actions.node),
      this.#summary,
      this.#progress.node,
      this.#problems,
      this.#live.node,
      element(
        'div',
        { class: 'columns' },
        element(
          'div',
          { class: 'main-column' },
          panel('Over time', this.#charts.node),
          panel('Where the downtime went', this.#downtime.node),
          panel('Phases', this.#timeline.node),
        ),
        element(
          'div',
          { class: 'side-column' },
          panel('Migration', this.#settled.node),
          panel('Pages sent', this.#kinds.node),
          this.#storage.node,
        ),
      ),
    );
  }

  show(migration: Migration, samples: readonly Sample[]): void {
    const { guest, destination, state, error } = migration;
    setText(this.#title, `${guest} → ${hostOf(destination.url)}`);
    this.#badge.show(state);
    this.#progress.show(migration);
    setText(this.#summary, summaryOf(migration));
    this.#showProblems(error);
    this.#live.show(liveFigures(migration));
    this.#settled.show(settledFigures(migration));
    this.#timeline.show(migration);
    this.#downtime.show(migration);
    this.#kinds.show(migration);
    this.#storage.show(migration);
    this.#actions.show(migration);
    this.#charts.show(migration, samples);
  }

  /** What the agent did not do; undefined if it did. */
  refuse(problem: Problem | undefined): void {
    this.#refused = problem;
  }

  restyle(): void {
    this.#charts.restyle();
  }

  focus(): void {
    this.#title.focus();
  }

  close(): void {
    this.#charts.close();
    this.node.remove();
  }

  #showProblems(error: Problem | undefined): void {
    const problems = [this.#refused, error].filter((problem) => problem !== undefined);
    // An alert is announced whenever it changes.
    const shown = JSON.stringify(problems);
    if (shown === this.#shownProblems) return;
    this.#shownProblems = shown;
    this.#problems.replaceChildren(...problems.map(problemBox));
  }
}

const panel = (title: string, content: HTMLElement): HTMLElement =>
  element('section', { class: 'panel' }, element('h2', { text: title }), content);
