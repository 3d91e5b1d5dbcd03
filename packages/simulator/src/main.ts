import { Command } from 'commander';
import { asPageferryError } from '@pageferry/errors';
import { addSimulationOptions, type Flags } from './command/options.js';
import { addRecordOptions, type RecordFlags } from './command/record-options.js';
import { runRecording } from './command/run-recording.js';
import { runSimulation } from './command/run.js';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const program = addSimulationOptions(new Command('npm run simulate --'))
  .enablePositionalOptions()
  .description(
    'Moves a guest that does not exist over a link that does not exist: with the scheduler of the source agent, and ' +
      'with plain round-robin pre-copy.',
  )
  .action((flags: Flags) => runSimulation(flags, print));
addRecordOptions(program.command('record'))
  .description('Records which pages a running guest writes, as a trace for --trace. The guest runs on.')
  .action((flags: RecordFlags) => runRecording(flags, print));

try {
  await program.parseAsync();
} catch (thrown) {
  process.stderr.write(`${asPageferryError(thrown).message}\n`);
  process.exitCode = 1;
}
