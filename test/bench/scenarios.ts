/** What a benchmark moves, and over which link. */
export interface Scenario {
  readonly name: string;
  /** What it is there to show, in the words of the generated document. */
  readonly purpose: string;
  /** 10^6 bits a second; undefined for an unshaped link. */
  readonly megabitsPerSecond?: number;
  readonly memoryMiB: number;
  /** Filled with incompressible content. */
  readonly fillMiB: number;
  /** What the guest rewrites, 10^6 bytes a second. */
  readonly megabytesPerSecond: number;
  readonly methods: readonly Method[];
}

/** `qemu-X` is QEMU's own migration; the others are pageferry's modes. The first of each scenario is its baseline. */
export type Method = 'qemu-precopy' | 'qemu-postcopy' | 'precopy' | 'postcopy' | 'hybrid';

export const scenarios: readonly Scenario[] = [
  {
    name: 'raw-speed',
    purpose: 'the speed of the pipe: an idle guest full of incompressible data, no limit on the link',
    memoryMiB: 1024,
    fillMiB: 800,
    megabytesPerSecond: 0,
    methods: ['qemu-precopy', 'precopy', 'hybrid'],
  },
  {
    name: 'idle',
    purpose: 'the pause of a guest that does nothing',
    megabitsPerSecond: 1000,
    memoryMiB: 512,
    fillMiB: 128,
    megabytesPerSecond: 0,
    methods: ['qemu-precopy', 'precopy', 'postcopy'],
  },
  {
    name: 'large',
    purpose: 'the pause and the memory of the daemons do not grow with the guest',
    memoryMiB: 4096,
    fillMiB: 1024,
    megabytesPerSecond: 0,
    methods: ['qemu-precopy', 'postcopy'],
  },
  {
    name: 'writing',
    purpose: 'what a guest that rewrites its memory notices',
    megabitsPerSecond: 1000,
    memoryMiB: 512,
    fillMiB: 256,
    megabytesPerSecond: 60,
    methods: ['qemu-postcopy', 'postcopy', 'qemu-precopy', 'precopy', 'hybrid'],
  },
];
