import { init, type EChartsOption } from 'echarts';
import type { Outcome, Sample, Strategy } from '../move/outcome.js';

/** In pixels. */
const size = { width: 860, left: 80, right: 20, top: 70, panel: 150, gap: 60 } as const;
const colors: Record<Strategy, string> = { precopy: '#1f6feb', hybrid: '#2da44e', 'round-robin': '#8b949e' };
const text = '#24292f';

const panels: readonly { readonly title: string; readonly value: (sample: Sample) => number }[] = [
  { title: 'remaining, MiB', value: ({ remainingBytes }) => remainingBytes / 2 ** 20 },
  { title: 'dirtied, MB/s', value: ({ dirtiedBytesPerSecond }) => dirtiedBytesPerSecond / 1e6 },
  { title: 'arrived, MB/s', value: ({ arrivedBytesPerSecond }) => arrivedBytesPerSecond / 1e6 },
];

/** Outcomes over time as a picture: SVG. */
export function plotOf(title: string, outcomes: readonly Outcome[]): string {
  const tops = panels.map((_, panel) => size.top + panel * (size.panel + size.gap));
  const option: EChartsOption = {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: [
      { text: title, left: 10, top: 10, textStyle: { fontSize: 15, color: text } },
      ...panels.map((panel, index) => ({
        text: panel.title,
        left: 10,
        top: (tops[index] ?? 0) - 26,
        textStyle: { fontSize: 13, color: text },
      })),
    ],
    legend: { right: size.right, top: 36, data: outcomes.map(({ strategy }) => strategy) },
    grid: tops.map((top) => ({ left: size.left, right: size.right, top, height: size.panel })),
    xAxis: panels.map((_, index) => ({
      gridIndex: index,
      type: 'value',
      min: 0,
      axisLabel: { formatter: '{value} s', color: text },
      splitLine: { show: false },
    })),
    yAxis: panels.map((_, index) => ({
      gridIndex: index,
      type: 'value',
      min: 0,
      axisLabel: { color: text },
    })),
    series: panels.flatMap(({ value }, index) =>
      outcomes.map(({ strategy, samples }) => ({
        name: strategy,
        type: 'line' as const,
        xAxisIndex: index,
        yAxisIndex: index,
        showSymbol: false,
        lineStyle: { width: 1.5, color: colors[strategy] },
        itemStyle: { color: colors[strategy] },
        data: samples.map((sample) => [rounded(sample.ms / 1000), rounded(value(sample))]),
      })),
    ),
  };
  const height = (tops.at(-1) ?? 0) + size.panel + 40;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: size.width, height });
  try {
    chart.setOption(option);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
