import { createHash } from 'node:crypto';
import { PageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

/** An image as QEMU has it open: enough for another program of QEMU's to open it, too. */
export interface DiskImage {
  /** The driver that makes a disk of the file: `raw`, `qcow2`. */
  readonly format: string;
  /** A path, relative to QEMU's working directory unless absolute; a URL (`nbd://…`); or QEMU's own `json:{…}`. */
  readonly filename: string;
}

/** A disk of the guest's. */
export interface Disk extends DiskImage {
  /**
   * The id or QOM path of its device, or, where QEMU has no device for it, of its backend: the same in two QEMUs that
   * were started alike.
   */
  readonly name: string;
  /** What the guest sees, in bytes. */
  readonly size: number;
  /** Whether the guest may not write to it. */
  readonly readOnly: boolean;
}

/**
 * Tells whether two QEMUs name an image alike, without saying how: its name may have more in it than others need to know. In 64
 * hexadecimal digits.
 */
export function imageDigest({ format, filename }: DiskImage): string {
  return createHash('sha256').update(`${format}\n${filename}`).digest('hex');
}

const BlockSchema = Type.Object({
  device: Type.String(),
  qdev: Type.Optional(Type.String()),
  removable: Type.Boolean(),
  inserted: Type.Optional(
    Type.Object({
      drv: Type.String(),
      ro: Type.Boolean(),
      'node-name': Type.Optional(Type.String()),
      image: Type.Object({
        filename: Type.String(),
        'virtual-size': Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      }),
    }),
  ),
});
const BlocksSchema = Type.Array(BlockSchema);

/** The flash of a PC's firmware (`hw/i386/pc_sysfw.c`): QEMU's block layer has it, but it is no disk. */
const FIRMWARE_FLASH = /^\/machine\/system\.flash\d+$/;

/**
 * The disks of a QEMU that runs its guest, or waits for it: in QEMU's order, without drives whose medium can be changed
 * (CD-ROMs), those without one, and the firmware's flash.
 * @throws `qemu-unexpected`, also if two disks have one name; or as `QmpClient.execute` does
 */
export async function listDisks(qmp: QmpClient, options?: QmpOptions): Promise<Disk[]> {
  const blocks = await qmp.executeAs(BlocksSchema, 'query-block', undefined, options);
  const disks = blocks.map(describeDisk).filter((disk) => disk !== undefined);
  const names = new Set<string>();
  for (const { name } of disks) {
    if (names.has(name)) throw new PageferryError('qemu-unexpected', `query-block: two disks are ${name}`);
    names.add(name);
  }
  return disks;
}

function describeDisk({ device, qdev, removable, inserted }: Static<typeof BlockSchema>): Disk | undefined {
  if (removable || inserted === undefined) return undefined;
  if (qdev !== undefined && FIRMWARE_FLASH.test(qdev)) return undefined;
  return {
    name: [qdev, device, inserted['node-name']].find((name) => name !== undefined && name !== '') ?? '',
    format: inserted.drv,
    filename: inserted.image.filename,
    size: inserted.image['virtual-size'],
    readOnly: inserted.ro,
  };
}
