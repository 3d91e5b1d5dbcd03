import type { Setting } from './settings.js';

const LINE_LENGTH = 100;

/** The file in /etc/default: every setting with its description, and its default commented out. */
export function defaultFile(name: string, settings: readonly Setting[]): string {
  const head = [
    `# Settings of ${name}, read at its start: systemctl restart ${name}.`,
    `# To check them: ${name} --check-config, with these variables in the environment. See ${name}(8).`,
  ];
  const parts = settings.map(({ variable, description, byDefault, values }) => [
    '',
    ...commentLines(description),
    ...(values.length > 0 ? [`# One of: ${values.join(', ')}`] : []),
    `#${variable}=${byDefault ?? ''}`,
  ]);
  return [...head, ...parts.flat(), ''].join('\n');
}

function commentLines(text: string): string[] {
  return (text.match(new RegExp(`.{1,${LINE_LENGTH}}(?= |$)`, 'g')) ?? []).map((line) => `# ${line.trim()}`);
}
