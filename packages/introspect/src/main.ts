import { Command } from 'commander';
import { asPageferryError } from '@pageferry/errors';
import { inspectDump, type InspectFlags } from './command/inspect-dump.js';

const program = new Command('npm run introspect --')
  .description(
    'Says what the pages of a Linux guest are used for. FILE has its memory from address 0 on, as QEMU writes it on ' +
      '"pmemsave 0 SIZE FILE"; what is no RAM of the guest counts as its kernel\'s.',
  )
  .argument('<file>', "the guest's memory")
  .option('--classes <file>', 'write a byte for each page: 0 kernel, 1 free, 2 anonymous, 3 inode, 4 cache')
  .action(async (path: string, flags: InspectFlags) => {
    const report = await inspectDump(path, flags);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    if ('unsupported' in report) process.exitCode = 2;
  });

try {
  await program.parseAsync();
} catch (thrown) {
  process.stderr.write(`${asPageferryError(thrown).message}\n`);
  process.exitCode = 1;
}
