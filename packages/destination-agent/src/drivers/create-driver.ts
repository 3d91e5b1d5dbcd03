import type { Logger } from '@pageferry/daemon';
import type { IncomingDriver } from './driver.js';
import { LibvirtDriver } from './libvirt-driver.js';
import type { DriverName, DriverSettings } from './settings.js';
import { SystemdDriver } from './systemd-driver.js';
import { WaitingDriver } from './waiting-driver.js';

/** With the directory of what the agent and QEMU exchange. */
type Settings = DriverSettings & { readonly runtimeDirectory: string };
type CreateDriver = (settings: Settings, log: Logger) => IncomingDriver;

const drivers: Readonly<Record<DriverName, CreateDriver>> = {
  waiting: ({ guestDirectory }) => new WaitingDriver(guestDirectory),
  systemd: ({ guestDirectory, qemuStartSeconds: startSeconds }, log) =>
    new SystemdDriver({ guestDirectory, startSeconds, log }),
  libvirt: ({ libvirtUri: uri, runtimeDirectory: directory, qemuStartSeconds: startSeconds }, log) =>
    new LibvirtDriver({ uri, directory, startSeconds, log }),
};

/** The driver that the configuration names. */
export function createDriver(settings: Settings, log: Logger): IncomingDriver {
  return drivers[settings.driver](settings, log);
}
