import { addRule } from '@pageferry/daemon';
import { Type, type Static, type TObject } from '@sinclair/typebox';

/** The one that `start-guest` in deploy/ looks for markers in. */
const UNIT_DIRECTORY = '/run/pageferry/guests';

/** The keys about how QEMUs come to be. */
export const driverSettings = {
  driver: Type.Union([Type.Literal('waiting'), Type.Literal('systemd'), Type.Literal('libvirt')], {
    default: 'waiting',
    description:
      'How the QEMU comes to be that a guest comes into: it waits already, is started as qemu-guest@NAME.service, or by libvirt as the domain NAME',
  }),
  guestDirectory: Type.String({
    default: UNIT_DIRECTORY,
    description: 'Directory with the QMP sockets of waiting QEMUs, NAME.sock each',
  }),
  libvirtUri: Type.String({
    default: 'qemu:///system',
    pattern: '^[a-z][a-z0-9+]*://',
    description: 'Of the libvirt of this host, for the driver libvirt',
  }),
  qemuStartSeconds: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 90,
    description: 'How long a QEMU that is started for a guest may take until its monitor answers',
  }),
};

const DriverSettings = Type.Object(driverSettings);
export type DriverSettings = Static<typeof DriverSettings>;
export type DriverName = DriverSettings['driver'];

/** A unit that does not find its marker would boot a second copy of the guest. */
export function requireUnitDirectory(schema: TObject): void {
  addRule(schema, DriverSettings, ({ driver, guestDirectory }) =>
    driver === 'systemd' && guestDirectory !== UNIT_DIRECTORY
      ? [`guestDirectory: with the driver systemd it is ${UNIT_DIRECTORY}, as qemu-guest@.service has it`]
      : [],
  );
}
