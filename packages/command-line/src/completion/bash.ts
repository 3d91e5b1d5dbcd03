import type { Command, Option } from 'commander';

/** A bash function that completes the names of commands, their flags, and the values of flags that have few. */
export function bashCompletion(program: Command): string {
  const name = program.name();
  const globalOptions = program.options;
  const commands = program.commands.map((command) => ({
    name: command.name(),
    options: [...command.options, ...globalOptions],
    values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  }));
  const byFlag = new Map(
    commands.flatMap(({ options }) => options.map((option) => [flagOf(option), option])),
  );
  const takingValues = [...byFlag.values()].filter(({ required }) => required);
  const cases = commands.map(
    ({ name: command, options, values }) =>
      `    ${command}) words='${[...values, ...flagsOf(options)].join(' ')}' ;;`,
  );
  return `# bash completion of ${name}
_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command= words= index
  COMPREPLY=()
  case $before in
${takingValues.map(valueCase).join('\n')}
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${takingValues.map(flagOf).join(' | ')}) ((index++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[index]}; break ;;
    esac
  done
  case $command in
${cases.join('\n')}
    *) words='${[...commands.map(({ name: command }) => command), ...flagsOf(globalOptions)].join(' ')}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _${name} ${name}
`;
}

const flagOf = ({ long, flags }: Option): string => long ?? flags;

const flagsOf = (options: readonly Option[]): string[] => [...options.map(flagOf), '--help'];

/** What may follow a flag: one of few values, a file, or what only its user knows. */
function valueCase(option: Option): string {
  const { flags, argChoices } = option;
  const words =
    argChoices === undefined
      ? flags.includes('<file>')
        ? 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); '
        : ''
      : `COMPREPLY=($(compgen -W '${argChoices.join(' ')}' -- "$word")); `;
  return `    ${flagOf(option)}) ${words}return ;;`;
}
