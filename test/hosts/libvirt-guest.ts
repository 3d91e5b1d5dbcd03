import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureEnvironment } from '../environment/install.js';
import { SerialPort } from '../guests/serial-port.js';
import { Workload } from '../guests/workload.js';
import { libvirtDomainXml, type DomainHardware } from './libvirt-domain-xml.js';
import type { LibvirtHost } from './libvirt-host.js';
import { powerButtonInitramfs } from './libvirt-initramfs.js';

const bootDeadlineMs = 60_000;

/** A domain with the tests' guest, which runs the workload, as one of two libvirts has it. */
export class LibvirtGuest {
  readonly host: LibvirtHost;
  readonly name: string;
  readonly #serialSocket: string;
  #port: SerialPort | undefined;

  private constructor(host: LibvirtHost, name: string, serialSocket: string) {
    this.host = host;
    this.name = name;
    this.#serialSocket = serialSocket;
  }

  /** @param disk of a raw image, that both hosts may have */
  static async define(host: LibvirtHost, hardware: DomainHardware, disk?: string): Promise<LibvirtGuest> {
    const { name } = hardware;
    const environment = await ensureEnvironment();
    // Libvirt gives them to the account that QEMU runs as: copies, so that those of other tests stay as they are.
    const [kernel, initramfs] = [join(host.directory, 'kernel'), join(host.directory, 'initramfs')];
    await copyFile(environment.kernel, kernel);
    await copyFile(await powerButtonInitramfs(environment), initramfs);
    const serialSocket = join(host.directory, `${name}.serial`);
    const definition = join(host.directory, `${name}.xml`);
    await writeFile(definition, libvirtDomainXml(hardware, { kernel, initramfs, disk, serialSocket }));
    await host.virsh('define', definition);
    return new LibvirtGuest(host, name, serialSocket);
  }

  /** Controls the workload of the guest that runs here now. */
  async workload(): Promise<Workload> {
    this.#port?.close();
    this.#port = await SerialPort.open(this.#serialSocket);
    return new Workload(this.#port);
  }

  /** Resolves when the guest has booted, and has filled some memory. */
  async boot(fillMiB: number): Promise<Workload> {
    await this.host.virsh('start', this.name);
    const workload = await this.workload();
    await workload.waitUntilStarted(bootDeadlineMs);
    await workload.fill(fillMiB);
    return workload;
  }

  /** As `virsh` says it. */
  async state(): Promise<string> {
    return (await this.host.virsh('domstate', this.name)).trim();
  }

  /** Ends what there is of it. */
  async destroy(): Promise<void> {
    this.#port?.close();
    if ((await this.state()) !== 'shut off') await this.host.virsh('destroy', this.name);
  }
}
