import { Argument, type Command } from 'commander';
import { bashCompletion } from '../completion/bash.js';

export function addCompletion(program: Command, write: (text: string) => void): void {
  program
    .command('completion')
    .description('print a completion script: `source <(pageferry completion bash)`')
    .addArgument(new Argument('<shell>').choices(['bash']))
    .action(() => {
      write(bashCompletion(program));
    });
}
