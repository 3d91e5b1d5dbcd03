export type { Environment, Keys, Sink } from './environment.js';
export { exitCodes, type ExitCode } from './exit-codes.js';
export { createProgram } from './program.js';
export { runCommandLine } from './run.js';
