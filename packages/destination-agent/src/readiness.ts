import { checkDirectory, type Check } from '@pageferry/daemon';
import type { DestinationConfiguration } from './configuration.js';
import type { IncomingDriver } from './drivers/driver.js';
import { checkUserfaultfd } from './userfaultfd.js';

/** What must be so for a guest to come in here. */
export async function checkDestination(
  { stateDirectory, runtimeDirectory }: DestinationConfiguration,
  driver: IncomingDriver,
): Promise<Check[]> {
  return [
    ...(await driver.checks()),
    await checkDirectory('state-directory', stateDirectory, true),
    await checkDirectory('runtime-directory', runtimeDirectory, true),
    await checkUserfaultfd(),
  ];
}
