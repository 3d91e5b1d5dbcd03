import { init, type EChartsOption } from 'echarts';
import { linkTitle, type Link } from '../link.js';
import { isMethod, isQemus, methods } from '../method.js';
import { mebibytes, milliseconds, none, seconds } from './format.js';
import { completes, type Summary } from './summary.js';

const panels = [
  { figure: 'totalTime', title: 'total time, s', format: seconds },
  { figure: 'downtime', title: 'downtime, ms', format: milliseconds },
  { figure: 'bytes', title: 'sent, MiB', format: mebibytes },
] as const;

/** In pixels. */
const size = { left: 170, top: 70, panel: 230, gap: 70, bar: 16, heading: 44 } as const;
const colors = { pageferry: '#1f6feb', qemu: '#8b949e', givenUp: '#f0b0a8', text: '#24292f' } as const;

function colorOf(summary: Summary): string {
  if (!completes(summary)) return colors.givenUp;
  return isMethod(summary.method) && isQemus(summary.method) ? colors.qemu : colors.pageferry;
}

const order = (method: string): number => methods.findIndex((name) => name === method);

/** The summaries of one scenario, one panel for each figure. */
interface Row {
  readonly scenario: string;
  readonly summaries: readonly Summary[];
  readonly top: number;
  readonly height: number;
}

function rowsOf(summaries: readonly Summary[]): Row[] {
  let top: number = size.top;
  return [...new Set(summaries.map(({ scenario }) => scenario))].map((scenario) => {
    const own = summaries.filter((summary) => summary.scenario === scenario);
    const height = own.length * size.bar;
    const row = { scenario, summaries: own.sort((a, b) => order(a.method) - order(b.method)), top, height };
    top += height + size.heading;
    return row;
  });
}

interface Panel {
  readonly grid: object;
  readonly xAxis: object;
  readonly yAxis: object;
  readonly series: object;
  readonly title: object;
}

function panelsOf({ scenario, summaries, top, height }: Row, firstIndex: number): Panel[] {
  return panels.map(({ figure, title, format }, column) => {
    const index = firstIndex + column;
    const left = size.left + column * (size.panel + size.gap);
    const name = column === 0 ? `${scenario}: ${title}` : title;
    return {
      grid: { left, top, width: size.panel, height },
      title: {
        text: name,
        left: column === 0 ? 10 : left,
        top: top - 24,
        textStyle: { fontSize: 13, color: colors.text },
      },
      xAxis: { gridIndex: index, type: 'value', show: false },
      yAxis: {
        gridIndex: index,
        type: 'category',
        inverse: true,
        data: summaries.map(({ method }) => method),
        axisLabel: { show: column === 0, color: colors.text, interval: 0 },
        axisTick: { show: false },
      },
      series: {
        type: 'bar',
        xAxisIndex: index,
        yAxisIndex: index,
        barWidth: '70%',
        label: { show: true, position: 'right', color: colors.text, fontSize: 11 },
        data: summaries.map((summary) => {
          const value = summary[figure]?.median;
          const text = value === undefined ? none : format(value);
          const label = { formatter: completes(summary) ? text : `${text}, given up` };
          return { value: value ?? 0, itemStyle: { color: colorOf(summary) }, label };
        }),
      },
    };
  });
}

/** All scenarios over one link as a picture: SVG. */
export function chartOf(link: Link, summaries: readonly Summary[]): string {
  const rows = rowsOf(summaries.filter((summary) => summary.link === link));
  const drawn = rows.flatMap((row, index) => panelsOf(row, index * panels.length));
  const bottom = rows.reduce((max, { top, height }) => Math.max(max, top + height), 0);
  const heading = {
    text: `Medians over ${linkTitle(link)}: pageferry in blue, QEMU in grey; in red, given up after 120 s`,
    left: 10,
    top: 10,
    textStyle: { fontSize: 15, color: colors.text },
  };
  const option: EChartsOption = {
    animation: false,
    textStyle: { fontFamily: 'sans-serif' },
    backgroundColor: '#ffffff',
    title: [heading, ...drawn.map(({ title }) => title)],
    grid: drawn.map(({ grid }) => grid),
    xAxis: drawn.map(({ xAxis }) => xAxis),
    yAxis: drawn.map(({ yAxis }) => yAxis),
    series: drawn.map(({ series }) => series),
  };
  const width = size.left + panels.length * (size.panel + size.gap) + 20;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: bottom + 20 });
  try {
    chart.setOption(option);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
