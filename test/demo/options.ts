import { Command, InvalidArgumentError, Option } from 'commander';
import { modes, type Mode } from '../agents/migration.js';
import { userfaultfdIsAvailable } from '../environment/userfaultfd.js';

export interface DemoOptions {
  readonly mode: Mode;
  /** Of the guest, MiB. */
  readonly memory: number;
  /** What the guest writes, 10^6 bytes a second. */
  readonly rate: number;
  /** 10^6 bits a second; no limit if unset. */
  readonly link: number | undefined;
  readonly json: boolean;
}

const smallestMemoryMiB = 256;
/** Post-copy takes privileges that not every user has. */
const defaultMode = userfaultfdIsAvailable() ? 'hybrid' : 'precopy';

function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) {
      throw new InvalidArgumentError(`A whole number is needed, at least ${least}.`);
    }
    return value;
  };
}

/** Ends the process where the command line asks for help, or makes no sense. */
export function parseOptions(argv: readonly string[]): DemoOptions {
  const command = new Command('npm run demo --')
    .description('Moves a running Linux guest from one QEMU to another, and shows that it arrives whole.')
    .addOption(new Option('--mode <mode>', 'how to migrate').choices(modes).default(defaultMode))
    .option('--memory <MiB>', "the guest's memory", numberFrom(smallestMemoryMiB), 1024)
    .option('--rate <MB/s>', 'how fast the guest writes its memory', numberFrom(0), 60)
    .option('--link <Mb/s>', 'bandwidth between the hosts (takes root); no limit by default', numberFrom(1))
    .option('--json', 'end with one line of JSON', false)
    .allowExcessArguments(false);
  return command.parse(argv).opts<DemoOptions>();
}
