import { PageferryError } from '@pageferry/errors';
import { codeOf, ProblemError } from '../api/problem-error.js';
import type { Problem } from '../api/schemas.js';
import type { Paint } from './colours.js';

/** What can be done with this command about errors whose texts do not say it. */
const waysOut: Readonly<Record<string, string>> = {
  'guest-not-found': '`pageferry guests` shows what could be migrated from here',
  'migration-not-found': '`pageferry list` shows the migrations that are known here',
  'guest-busy': '`pageferry list` shows the migration; `pageferry watch ID` follows it',
  unauthorized: 'name the file with the token with --token-file, or in PAGEFERRY_TOKEN_FILE',
  'not-converging':
    'allow post-copy (--mode hybrid), a longer stop (--downtime-limit) or --when-stalled stop',
  'guest-lost': 'end both QEMUs, and start the guest again from its disk, on one host',
  'ownership-unknown': "look at the destination's journal before the guest is started anywhere",
};

/** What went wrong, where, all findings, and the way out. */
export function problemLines(problem: Problem, paint: Paint): string[] {
  const { title, detail, host, findings = [] } = problem;
  const code = codeOf(problem);
  const wayOut = code === undefined ? undefined : waysOut[code];
  const where = host === undefined ? '' : ` (on the ${host})`;
  const listed = findings.length > 1 || (findings[0] !== undefined && findings[0] !== detail);
  return [
    `${paint('red', `${title}${where}`)}${code === undefined ? '' : paint('dim', ` [${code}]`)}`,
    // The detail of several findings is all of them in one line.
    ...(detail === undefined || (listed && findings.every((finding) => detail.includes(finding)))
      ? []
      : [`  ${detail}`]),
    ...(listed ? findings.map((finding) => `  - ${finding}`) : []),
    ...(wayOut === undefined ? [] : [`  ${paint('bold', 'What to do:')} ${wayOut}`]),
  ];
}

/** The same for whatever was thrown. */
export function errorLines(thrown: unknown, paint: Paint): string[] {
  return problemLines(problemOf(thrown), paint);
}

export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (thrown instanceof PageferryError) {
    const { code, title, message, findings } = thrown;
    return { type: `urn:pageferry:error:${code}`, title, detail: message, findings: [...findings] };
  }
  return {
    type: 'about:blank',
    title: 'Something unforeseen went wrong',
    detail: thrown instanceof Error ? thrown.message : String(thrown),
  };
}
