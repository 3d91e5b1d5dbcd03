import type { Command } from 'commander';
import { checkAgent } from '../doctor/agent.js';
import type { Finding } from '../doctor/finding.js';
import { hostFiles } from '../doctor/host-files.js';
import { checkMemoryAccess } from '../doctor/memory-access.js';
import { checkQemu, usualPrograms } from '../doctor/qemu.js';
import { checkUserfaultfd } from '../doctor/userfaultfd.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import type { Paint } from '../view/colours.js';
import { JSON_OPTION, type Runner } from './runner.js';

interface DoctorFlags {
  readonly qemu?: string;
}

export function addDoctor(program: Command, run: Runner): void {
  const command = program
    .command('doctor')
    .description('check this host, and the agent on it, and say what to fix')
    .option('--qemu <program>', 'the QEMU to look at, if it is not where it usually is')
    .option(...JSON_OPTION)
    .action(async (flags: DoctorFlags) => {
      await run(command, async (session) => doctor(session, flags));
    });
}

async function doctor(session: Session, { qemu }: DoctorFlags): Promise<ExitCode> {
  const findings = [
    await checkQemu(qemu === undefined ? usualPrograms : [qemu]),
    checkUserfaultfd(hostFiles),
    checkMemoryAccess(hostFiles),
    ...(await checkAgent(session.client)),
  ];
  const healthy = findings.every(({ ok }) => ok);
  session.print({ ok: healthy, checks: findings }, (paint) =>
    findings.flatMap((finding) => linesOf(finding, paint)),
  );
  return healthy ? exitCodes.done : exitCodes.refused;
}

function linesOf({ name, ok, detail, fix }: Finding, paint: Paint): string[] {
  return [
    `${ok ? paint('green', 'ok  ') : paint('red', 'FAIL')} ${name}${detail === '' ? '' : `: ${detail}`}`,
    ...(fix === undefined ? [] : [`     ${paint('bold', 'What to do:')} ${fix}`]),
  ];
}
