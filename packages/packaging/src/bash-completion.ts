import type { Setting } from './settings.js';

const OWN_FLAGS = ['--config', '--check-config', '--version', '--help'];

/** Completes flags, the values of those that have few, and files for those that name one. */
export function bashCompletion(name: string, settings: readonly Setting[]): string {
  const fewValues = settings.filter(({ values }) => values.length > 0);
  const files = settings.filter(({ description }) => /^(File|Directory)\b/.test(description));
  const cases = [
    ...fewValues.map(
      ({ flag, values }) => `    ${flag}) COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$word")) ;;`,
    ),
    `    ${['--config', ...files.map(({ flag }) => flag)].join(' | ')}) COMPREPLY=($(compgen -f -- "$word")) ;;`,
  ];
  const flags = [...OWN_FLAGS, ...settings.map(({ flag }) => flag)].sort();
  const functionName = `_${name.replaceAll('-', '_')}`;
  return `# bash completion of ${name}
${functionName}() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  case \${COMP_WORDS[COMP_CWORD - 1]} in
${cases.join('\n')}
    *) COMPREPLY=($(compgen -W '${flags.join(' ')}' -- "$word")) ;;
  esac
}
complete -o filenames -F ${functionName} ${name}
`;
}
