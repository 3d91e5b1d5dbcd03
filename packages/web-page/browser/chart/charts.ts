import type { Migration } from '../api/migration.js';
import { element } from '../dom/element.js';
import uPlot from '../vendor/uplot.js';
import { byteChart, rateChart, type ChartPart } from './options.js';
import { palette } from './palette.js';
import { seriesOf, standstillOf, type Sample, type Series } from './series.js';

const HEIGHT = 190;

interface Chart {
  readonly part: ChartPart;
  readonly place: HTMLElement;
  plot: uPlot | undefined;
}

/** What remained, above; what the guest wrote and what was sent meanwhile, below, over the same time. */
export class Charts {
  readonly #charts: readonly Chart[] = [byteChart, rateChart].map((part) => ({
    part,
    place: element('div', { class: 'plot', attributes: { role: 'img', 'aria-label': part.title } }),
    plot: undefined,
  }));
  readonly #nothing = element('p', {
    class: 'lead nothing',
    text: 'There is nothing to draw: no iteration of pre-copy has ended, or none is remembered.',
  });
  readonly #observer: ResizeObserver;
  readonly node: HTMLElement;
  #series: Series | undefined;
  #standstill: readonly [number, number] | undefined;

  constructor() {
    this.node = element(
      'div',
      { class: 'charts' },
      this.#nothing,
      ...this.#charts.map(({ part, place }) =>
        element('figure', {}, element('figcaption', { text: part.title }), place),
      ),
    );
    this.#observer = new ResizeObserver(() => {
      for (const { plot, place } of this.#charts) plot?.setSize({ width: place.clientWidth, height: HEIGHT });
    });
    for (const { place } of this.#charts) this.#observer.observe(place);
  }

  show(migration: Migration, samples: readonly Sample[]): void {
    const series = seriesOf(migration, samples);
    this.#series = series;
    this.#standstill = standstillOf(migration);
    const isEmpty = series.seconds.length < 2;
    this.node.classList.toggle('is-empty', isEmpty);
    if (isEmpty) {
      this.#destroy();
      return;
    }
    for (const chart of this.#charts) {
      if (chart.plot === undefined) chart.plot = this.#draw(chart, series);
      else chart.plot.setData(chart.part.data(series));
    }
  }

  /** Draws everything anew, in the colours of the theme. */
  restyle(): void {
    const series = this.#series;
    if (series === undefined || this.#charts.every(({ plot }) => plot === undefined)) return;
    this.#destroy();
    for (const chart of this.#charts) chart.plot = this.#draw(chart, series);
  }

  close(): void {
    this.#observer.disconnect();
    this.#destroy();
  }

  #draw({ part, place }: Chart, series: Series): uPlot {
    const size = { width: place.clientWidth, height: HEIGHT };
    const options = part.options(palette(), () => this.#standstill);
    return new uPlot({ ...options, ...size }, part.data(series), place);
  }

  #destroy(): void {
    for (const chart of this.#charts) {
      chart.plot?.destroy();
      chart.plot = undefined;
    }
  }
}
