import type { Migration } from '../api/migration.js';
import { element } from '../dom/element.js';
import { formatDuration } from './format.js';
import { isOver, meaningOf } from './phases.js';
import { spansOf, type Span } from './spans.js';

/** The phases one below the other, each with a bar where it lies in time. */
export class Timeline {
  readonly #body = element('tbody');
  readonly node: HTMLElement;

  constructor() {
    const heads = ['Phase', 'Began', '', 'Took'].map((text, index) =>
      element(text === '' ? 'td' : 'th', {
        text,
        class: index === 2 ? 'track' : index === 0 ? '' : 'number',
        ...(text !== '' && { attributes: { scope: 'col' } }),
      }),
    );
    this.node = element(
      'table',
      { class: 'timeline' },
      element('thead', {}, element('tr', {}, ...heads)),
      this.#body,
    );
  }

  show(migration: Migration): void {
    const whole = Math.max(migration.totalMs, 1);
    this.#body.replaceChildren(
      ...spansOf(migration).map((span) => row(span, whole, span.isLast && isOver(migration))),
    );
  }
}

function row({ state, beginMs, tookMs }: Span, wholeMs: number, isEnd: boolean): HTMLElement {
  const { label, tone, words } = meaningOf(state);
  const bar = element('span', { class: 'span', attributes: { 'data-tone': tone } });
  const begin = Math.min(beginMs / wholeMs, 1);
  const took = isEnd ? 0 : Math.min(tookMs / wholeMs, 1 - begin);
  bar.style.setProperty('--begin', String(begin));
  bar.style.setProperty('--took', String(took));
  return element(
    'tr',
    {},
    element('th', { text: label, attributes: { scope: 'row', title: words } }),
    element('td', { class: 'number', text: `+${formatDuration(beginMs)}` }),
    element('td', { class: 'track', attributes: { 'aria-hidden': 'true' } }, bar),
    element('td', { class: 'number', text: isEnd ? '' : formatDuration(tookMs) }),
  );
}
