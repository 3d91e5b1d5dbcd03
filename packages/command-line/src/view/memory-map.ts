import type { Inspection } from '../api/schemas.js';
import { PAGE_BYTES } from './units.js';

type MemoryMap = NonNullable<Inspection['map']>;

/** By the bytes of the cells; the colours of Okabe and Ito can be told apart by everybody. */
const classes = [
  { name: 'kernel', colour: '#d55e00' },
  { name: 'free', colour: '#e5e5e5' },
  { name: 'anonymous', colour: '#0072b2' },
  { name: 'inode', colour: '#e69f00' },
  { name: 'cache', colour: '#009e73' },
] as const;

const CELLS_A_ROW = 256;
const CELL = 4;
const MARGIN = 16;
const LINE = 20;
const GAP = 28;

const hex = (address: number): string => `0x${address.toString(16)}`;

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** A picture (SVG) of guest-physical memory: cells from left to right, ranges one below the other. */
export function memoryMap(guest: string, { pagesPerCell, ranges, cells }: MemoryMap): string {
  const bytes = Buffer.from(cells, 'base64');
  const cellBytes = pagesPerCell * PAGE_BYTES;
  const drawn: string[] = [];
  let y = MARGIN + 2 * LINE;
  let next = 0;
  for (const { start, length } of ranges) {
    const count = Math.ceil(length / cellBytes);
    drawn.push(`<text x="${MARGIN}" y="${y - 6}">${hex(start)} to ${hex(start + length)}</text>`);
    drawn.push(...pathsOf(bytes.subarray(next, next + count), y));
    next += count;
    y += Math.ceil(count / CELLS_A_ROW) * CELL + GAP;
  }
  const width = CELLS_A_ROW * CELL + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="sans-serif" font-size="12">`,
    `<title>Memory of ${escape(guest)}</title>`,
    `<rect width="${width}" height="${y}" fill="#ffffff"/>`,
    ...legend(cellBytes),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function legend(cellBytes: number): string[] {
  const swatches = classes.flatMap(({ name, colour }, index) => {
    const x = MARGIN + index * 110;
    return [
      `<rect x="${x}" y="8" width="12" height="12" fill="${colour}"/>`,
      `<text x="${x + 18}" y="18">${name}</text>`,
    ];
  });
  const x = MARGIN + classes.length * 110;
  return [...swatches, `<text x="${x}" y="18">a square: ${cellBytes / 1024} KiB</text>`];
}

/** One path a class, of horizontal bars for cells that are side by side. */
function pathsOf(cells: Uint8Array, top: number): string[] {
  const bars = classes.map((): string[] => []);
  for (let first = 0; first < cells.length;) {
    const value = cells[first];
    const rowEnd = Math.min((Math.floor(first / CELLS_A_ROW) + 1) * CELLS_A_ROW, cells.length);
    let end = first + 1;
    while (end < rowEnd && cells[end] === value) end++;
    const x = MARGIN + (first % CELLS_A_ROW) * CELL;
    const y = top + Math.floor(first / CELLS_A_ROW) * CELL;
    bars[value ?? 0]?.push(`M${x} ${y}h${(end - first) * CELL}v${CELL}h-${(end - first) * CELL}z`);
    first = end;
  }
  return classes.flatMap(({ colour }, index) => {
    const path = bars[index] ?? [];
    return path.length === 0 ? [] : [`<path fill="${colour}" d="${path.join('')}"/>`];
  });
}
