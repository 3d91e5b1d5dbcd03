import { cpus } from 'node:os';
import type { Machine } from './run.js';

export const thisMachine = (qemu: string): Machine => ({
  processors: cpus().length,
  accelerator: 'tcg',
  qemu,
  node: process.version,
});
