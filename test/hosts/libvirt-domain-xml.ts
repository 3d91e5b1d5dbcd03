export interface DomainHardware {
  readonly name: string;
  readonly memoryMiB: number;
}

export interface DomainFiles {
  readonly kernel: string;
  readonly initramfs: string;
  /** A raw image, that QEMU may write to: libvirt does not see to that. */
  readonly disk?: string | undefined;
  /** Of the port that the workload listens to. */
  readonly serialSocket: string;
}

/** Not the newest: a migration is to bring it over. */
const machine = 'pc-i440fx-8.2';
const uuid = '7d3b9a52-0c1f-4a43-8a4e-6d7b0a2f9c01';
const kernelArguments = 'console=ttyS0 loglevel=5 panic=-1 oops=panic no_timer_check tsc=reliable';

/** The definition of a domain with the tests' guest; the same on two hosts but for its files. */
export function libvirtDomainXml(
  { name, memoryMiB }: DomainHardware,
  { kernel, initramfs, disk, serialSocket }: DomainFiles,
): string {
  return `
<domain type='qemu'>
  <name>${name}</name>
  <uuid>${uuid}</uuid>
  <memory unit='MiB'>${memoryMiB}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='${machine}'>hvm</type>
    <kernel>${kernel}</kernel>
    <initrd>${initramfs}</initrd>
    <cmdline>${kernelArguments}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    ${disk === undefined ? '' : diskXml(disk)}
    <serial type='pty'><target port='0'/></serial>
    <serial type='unix'><source mode='bind' path='${serialSocket}'/><target port='1'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
  </devices>
</domain>`;
}

// Libvirt would take the image away from the QEMU there when it ends the one here.
const diskXml = (path: string): string => `<disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='${path}'><seclabel model='dac' relabel='no'/></source>
      <target dev='vda' bus='virtio'/>
    </disk>`;
