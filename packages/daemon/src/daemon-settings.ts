import { Type } from '@sinclair/typebox';
import { logLevels } from './log.js';

/** The keys that every daemon's configuration has: to be spread into its schema. */
export const daemonSettings = {
  logLevel: Type.Union(
    logLevels.map((level) => Type.Literal(level)),
    { default: 'info', description: 'Lowest level that is logged' },
  ),
};
