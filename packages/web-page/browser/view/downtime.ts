import type { Migration } from '../api/migration.js';
import { element, setText } from '../dom/element.js';
import { formatDuration, formatPercent } from './format.js';

interface Part {
  readonly label: string;
  /** What happens in it. */
  readonly words: string;
}

/** The parts by their names in the resource. */
const parts: Readonly<Record<string, Part>> = {
  stop: { label: 'Stop', words: 'the vCPUs and the disk requests come to rest' },
  deviceState: { label: 'Device state', words: "QEMU's last look at its dirty log, and the devices" },
  lastPages: { label: 'Last pages', words: 'the last pages, or the names of the stale ones, are sent' },
  load: { label: 'Load', words: "the destination's QEMU loads all of it" },
  journal: { label: 'Journals', words: 'both hosts write down who has the guest' },
  resume: { label: 'Resume', words: 'the guest is run on the destination' },
  rest: { label: 'Rest', words: 'round trips, and frames that were still on their way' },
};

/** Where the downtime went: a bar of its parts, and what they are. */
export class DowntimeSplit {
  readonly #total = element('p', { class: 'lead' });
  readonly #bar = element('div', { class: 'stack', attributes: { 'aria-hidden': 'true' } });
  readonly #body = element('tbody');
  readonly #table = element(
    'table',
    { class: 'parts' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { text: 'Part', attributes: { scope: 'col' } }),
        element('th', { text: 'Time', class: 'number', attributes: { scope: 'col' } }),
        element('th', { text: 'Share', class: 'number', attributes: { scope: 'col' } }),
      ),
    ),
    this.#body,
  );
  readonly node = element('div', { class: 'downtime-split' }, this.#total, this.#bar, this.#table);

  show({ downtime, downtimeMs, downtimeLimitMs }: Migration): void {
    const measured = (downtime ?? []).filter(([, ms]) => ms >= 0);
    const sum = measured.reduce((total, [, ms]) => total + ms, 0);
    const isMeasured = sum > 0;
    this.#bar.hidden = !isMeasured;
    this.#table.hidden = !isMeasured;
    setText(
      this.#total,
      downtimeMs === undefined
        ? 'No downtime is known of.'
        : `${formatDuration(downtimeMs)}, with a limit of ${formatDuration(downtimeLimitMs)} for pre-copy`,
    );
    this.#bar.replaceChildren(
      ...measured.map(([name, ms]) => {
        const segment = element('span', { class: 'segment', attributes: { 'data-part': name } });
        segment.style.setProperty('flex-grow', String(ms));
        segment.title = `${parts[name]?.label ?? name}: ${formatDuration(ms)}`;
        return segment;
      }),
    );
    this.#body.replaceChildren(
      ...measured.map(([name, ms]) =>
        element(
          'tr',
          {},
          element(
            'th',
            { attributes: { scope: 'row' } },
            element('span', { class: 'swatch', attributes: { 'data-part': name } }),
            parts[name]?.label ?? name,
            element('span', { class: 'words', text: parts[name]?.words ?? '' }),
          ),
          element('td', { class: 'number', text: formatDuration(ms) }),
          element('td', { class: 'number', text: formatPercent(ms / sum) }),
        ),
      ),
    );
  }
}
