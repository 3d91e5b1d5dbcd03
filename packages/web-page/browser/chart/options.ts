import uPlot from '../vendor/uplot.js';
import { NOTHING, formatBytes, formatDuration, formatRate } from '../view/format.js';
import type { Palette } from './palette.js';
import type { Series } from './series.js';

type Standstill = () => readonly [number, number] | undefined;

/** One of the two charts. */
export interface ChartPart {
  readonly title: string;
  readonly data: (series: Series) => uPlot.AlignedData;
  readonly options: (palette: Palette, standstill: Standstill) => Omit<uPlot.Options, 'width' | 'height'>;
}

interface Line {
  readonly label: string;
  readonly stroke: string;
  readonly fill?: string;
  readonly dash?: number[];
  readonly paths?: uPlot.Series.PathBuilder;
}

/** A mean holds for the time before its point. */
const paths = uPlot.paths.stepped?.({ align: -1 });
const steps = paths === undefined ? {} : { paths };

/** Both charts show the cursor at the same time. */
const CURSOR_GROUP = 'migration';
const AXIS_WIDTH = 74;

export const byteChart: ChartPart = {
  title: 'Remaining',
  data: ({ seconds, remaining }) => [seconds, remaining],
  options: (palette, standstill) =>
    chartOptions(
      [{ label: 'Remaining', stroke: palette.remaining, fill: palette.remainingFill }],
      formatBytes,
      byteMarks,
      palette,
      standstill,
    ),
};

export const rateChart: ChartPart = {
  title: 'Rates',
  data: ({ seconds, dirtied, sent, bandwidth }) => [seconds, dirtied, sent, bandwidth],
  options: (palette, standstill) =>
    chartOptions(
      [
        { label: 'Dirtied', stroke: palette.dirtied, ...steps },
        { label: 'Sent', stroke: palette.sent, ...steps },
        { label: 'Bandwidth estimate', stroke: palette.bandwidth, dash: [5, 4], ...steps },
      ],
      formatRate,
      undefined,
      palette,
      standstill,
    ),
};

/** Steps of powers of two: marks of bytes are round in MiB. */
const byteMarks = Array.from({ length: 50 }, (_, power) => 2 ** power);

function chartOptions(
  lines: readonly Line[],
  format: (value: number) => string,
  marks: number[] | undefined,
  palette: Palette,
  standstill: Standstill,
): Omit<uPlot.Options, 'width' | 'height'> {
  const axis: uPlot.Axis = {
    stroke: palette.text,
    font: palette.font,
    grid: { stroke: palette.grid, width: 1 },
    ticks: { show: false },
  };
  return {
    cursor: { sync: { key: CURSOR_GROUP }, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: {
      x: { time: false, range: (_plot, _least, most) => [0, most] },
      y: { range: (_plot, _least, most) => [0, Math.max(most, 1) * 1.05] },
    },
    axes: [
      { ...axis, space: 70, size: 26, values: (_plot, splits) => splits.map((mark) => round(seconds(mark))) },
      {
        ...axis,
        size: AXIS_WIDTH,
        space: 34,
        ...(marks !== undefined && { incrs: marks }),
        values: (_plot, splits) => splits.map((mark) => (mark === 0 ? '0' : round(format(mark)))),
      },
    ],
    series: [
      { label: 'Time', value: (_plot, value) => valueOf(value, seconds) },
      ...lines.map((line) => ({
        ...line,
        width: 1.5,
        spanGaps: true,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => valueOf(value, format),
      })),
    ],
    hooks: {
      drawAxes: [
        (plot) => {
          drawStandstill(plot, standstill(), palette);
        },
      ],
    },
  };
}

const seconds = (value: number): string => (value === 0 ? '0' : formatDuration(value * 1000));

/** Without zeros that say nothing. */
const round = (text: string): string => text.replace(/\.0+ /, ' ').replace(/(\.\d*?)0+ /, '$1 ');

/** uPlot has none where the cursor is nowhere. */
const valueOf = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? NOTHING : format(value);

/** A band over the time in which the guest stood still, never too thin to be seen. */
function drawStandstill(
  plot: uPlot,
  standstill: readonly [number, number] | undefined,
  palette: Palette,
): void {
  if (standstill === undefined) return;
  const [from, to] = standstill.map((value) => plot.valToPos(value, 'x', true));
  if (from === undefined || to === undefined) return;
  const { ctx, bbox } = plot;
  const least = 2 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = palette.standstill;
  ctx.globalAlpha = 0.45;
  ctx.fillRect(from, bbox.top, Math.max(to - from, least), bbox.height);
  ctx.restore();
}
