import { DirtyLog, QmpClient } from '@pageferry/qemu';
import { recordLooks, skipFirstPass, type LooksOptions } from './record-looks.js';
import { recordableLayout } from './recordable-guest.js';

/** What a guest was seen to write. */
export interface Recording {
  /** As it goes into a file. */
  readonly trace: Buffer;
  /** At the dirty log. */
  readonly looks: number;
  readonly durationMs: number;
  /** Of the guest. */
  readonly memoryBytes: number;
  /** Of all looks together. */
  readonly dirtiedPages: number;
  /** Pages that were dirtied at least once. */
  readonly differentPages: number;
}

export interface RecordingOptions extends LooksOptions {
  /** Of the guest. */
  readonly qmpSocket: string;
  /** For the socket into which QEMU writes its dirty log: a directory that QEMU can reach. */
  readonly directory: string;
  /** Called when the first pass is about to be read, and when the first look is. */
  readonly onPhase: (phase: 'first-pass' | 'looks', memoryBytes: number) => void;
}

/**
 * Records what a running guest writes. However it ends, the guest runs on, and its QEMU has the migration settings again
 * that it had before.
 *
 * @throws what the QMP client, {@link recordableLayout} and the dirty log do, and `request-invalid` if the trace becomes
 *   too long; nothing is kept then
 */
export async function recordGuest(options: RecordingOptions): Promise<Recording> {
  const { qmpSocket, directory, signal, onPhase } = options;
  const qmp = await QmpClient.connect(qmpSocket, { signal });
  try {
    const layout = await recordableLayout(qmp, signal);
    onPhase('first-pass', layout.bytes);
    const log = await DirtyLog.open(qmp, layout, { directory, signal });
    try {
      await skipFirstPass(log, layout, signal);
      onPhase('looks', layout.bytes);
      return await recordLooks(log, layout, options);
    } finally {
      await log.giveUp();
    }
  } finally {
    qmp.close();
  }
}
