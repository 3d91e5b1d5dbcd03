import type { Disks } from './disks.js';
import type { CommonLayout } from './file-layouts.js';
import type { ExtentSource, FileSystem } from './file-system.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';

/** Block devices as files: what is cached of a disk by itself, as a file system's own structures are. */
export function deviceFiles(layout: CommonLayout, disks: Disks): FileSystem {
  return {
    contentOf(inode) {
      const volume = disks.volumeOf(inode + layout.device.fromInode);
      if (volume === undefined) return 'device';
      const whole: ExtentSource = ({ extents }) => {
        extents.add(0, Math.floor(volume.bytes / PAGE_BYTES), 0);
      };
      return { volume, blockBytes: PAGE_BYTES, sources: [whole] };
    },
  };
}
