import type { Environment } from '../environment/install.js';
import { diskArguments, diskKernelArguments, type GuestDisk } from './guest-disk.js';

export type MachineType = 'pc' | 'q35';
/** `reserved` is anonymous memory, all of which QEMU touches before it answers (`prealloc=on`). */
export type MemoryBackend = 'anonymous' | 'reserved' | 'memfd' | 'file' | 'hugepages';

/** What a guest consists of: the same on the source and on the destination. */
export interface GuestHardware {
  readonly memoryMiB: number;
  /** 1 by default. */
  readonly vcpus?: number;
  /** `pc` by default. */
  readonly machine?: MachineType;
  /** `tcg` by default. */
  readonly accel?: 'tcg' | 'kvm';
  /** CPU model; QEMU's default under TCG, the host's own under KVM. */
  readonly cpu?: string;
  readonly vga?: boolean;
  /** UEFI firmware in flash in place of SeaBIOS. */
  readonly ovmf?: boolean;
  readonly memoryBackend?: MemoryBackend;
  /** The guest mounts its file system. */
  readonly disk?: GuestDisk;
  /** Whose driver tells QEMU, and it alone, which pages are free; the first file system must have the driver. */
  readonly freePageHints?: boolean;
  /** Its first file system in place of the usual one, which is contained in it. */
  readonly initramfs?: string;
  /** The image of another kernel than the usual one. */
  readonly kernel?: string;
  /** More of the guest kernel's command line. */
  readonly kernelArguments?: string;
}

/** The files that belong to one QEMU. */
export interface GuestFiles {
  readonly qmpSocket: string;
  readonly monitorSocket: string;
  readonly serialSocket: string;
  /** The kernel's console goes there. */
  readonly console: string;
  readonly firmwareVariables: string;
  readonly memory: string;
}

// `panic` and `oops` together with QEMU's `-no-reboot`: a broken guest ends its QEMU at once.
const kernelArguments = 'console=ttyS0 loglevel=5 panic=-1 oops=panic no_timer_check';

function memoryArguments(hardware: GuestHardware, files: GuestFiles): string[] {
  const size = `size=${hardware.memoryMiB}M`;
  // With the name that the machine types give their own memory, all backends fit each other in a migration.
  const id = 'id=pc.ram';
  switch (hardware.memoryBackend ?? 'anonymous') {
    case 'anonymous':
      return [];
    case 'reserved':
      return ['-object', `memory-backend-ram,${id},${size},prealloc=on`];
    case 'memfd':
      return ['-object', `memory-backend-memfd,${id},${size},share=on`];
    case 'file':
      return ['-object', `memory-backend-file,${id},${size},share=on,mem-path=${files.memory}`];
    case 'hugepages':
      return ['-object', `memory-backend-memfd,${id},${size},share=on,hugetlb=on,hugetlbsize=2M`];
  }
}

function flashArguments(environment: Environment, files: GuestFiles): string[] {
  return [
    '-drive',
    `if=pflash,unit=0,format=raw,readonly=on,file=${environment.firmware.code}`,
    '-drive',
    `if=pflash,unit=1,format=raw,file=${files.firmwareVariables}`,
  ];
}

/** QEMU's command line for a guest; `incoming` has it wait for a migration. */
export function qemuArguments(
  name: string,
  hardware: GuestHardware,
  files: GuestFiles,
  environment: Environment,
  incoming: boolean,
): string[] {
  const { machine = 'pc', accel = 'tcg', vcpus = 1, disk } = hardware;
  const cpu = hardware.cpu ?? (accel === 'kvm' ? 'host' : undefined);
  const memory = memoryArguments(hardware, files);
  const machineOptions = memory.length > 0 ? `${machine},memory-backend=pc.ram` : machine;
  // Under TCG Linux finds no fault with its time-stamp counter but distrusts it, and other clocks are slow.
  const clock = accel === 'tcg' ? 'tsc=reliable' : '';
  const commandLine = [
    kernelArguments,
    clock,
    ...(disk === undefined ? [] : diskKernelArguments(disk)),
    hardware.kernelArguments,
  ];
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-msg', 'timestamp=on'],
    ...['-name', `guest=${name},debug-threads=on`],
    ...['-accel', accel, '-machine', machineOptions, '-m', `${hardware.memoryMiB}M`, '-smp', String(vcpus)],
    ...(cpu === undefined ? [] : ['-cpu', cpu]),
    ...memory,
    ...(hardware.ovmf === true ? flashArguments(environment, files) : []),
    ...(hardware.vga === true ? ['-device', 'VGA'] : []),
    ...['-kernel', hardware.kernel ?? environment.kernel],
    ...['-initrd', hardware.initramfs ?? environment.initramfs],
    ...['-append', commandLine.filter(Boolean).join(' ')],
    ...['-qmp', `unix:${files.qmpSocket},server=on,wait=off`],
    ...['-qmp', `unix:${files.monitorSocket},server=on,wait=off`],
    ...['-chardev', `file,id=console,path=${files.console}`, '-serial', 'chardev:console'],
    ...[
      '-chardev',
      `socket,id=control,path=${files.serialSocket},server=on,wait=off`,
      '-serial',
      'chardev:control',
    ],
    ...(disk === undefined ? [] : diskArguments(disk)),
    ...(hardware.freePageHints === true
      ? [
          ...['-object', 'iothread,id=hints'],
          ...['-device', 'virtio-balloon-pci,free-page-hint=on,iothread=hints'],
        ]
      : []),
    ...(incoming ? ['-incoming', 'defer'] : []),
  ];
}
