const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1, minimumFractionDigits: 1 });

export const count = (value: number): string => integer.format(value);

export const percent = (fraction: number): string => `${integer.format(fraction * 100).padStart(3)}%`;

export const milliseconds = (value: number): string => `${integer.format(value)} ms`;

export const duration = (ms: number): string => `${decimal.format(ms / 1e3)} s`;

export const bytes = (value: number): string => `${integer.format(value / 1e6)} MB`;

export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`;
