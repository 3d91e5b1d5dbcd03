/** What a program says of itself. */
export type Ask = (...args: string[]) => Promise<string>;

/** A manual page of a program with commands, from its `--help` and that of each command. */
export async function helpPage(name: string, date: string, ask: Ask): Promise<string> {
  const help = await ask('--help');
  const commands = [...(help.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+) /gm)].map(
    ([, command = '']) => command,
  );
  const [, about = ''] = help.split('\n\n');
  const sections = await Promise.all(
    commands.map(async (command) => `.Ss ${command}\n${literal(await ask(command, '--help'))}`),
  );
  return `.Dd ${date}
.Dt ${name.toUpperCase()} 1
.Os pageferry
.Sh NAME
.Nm ${name}
.Nd ${about.replaceAll('\n', ' ').replace(/\.$/, '')}
.Sh DESCRIPTION
${literal(help)}
.Sh COMMANDS
${sections.join('\n')}
.Sh SEE ALSO
.Xr pageferry-source-agent 8 ,
.Xr pageferry-destination-agent 8
`;
}

/** Text as it is, line by line. */
function literal(text: string): string {
  const escaped = text
    .trimEnd()
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
  return `.Bd -literal\n${escaped}\n.Ed`;
}
