import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Environment } from '../environment/install.js';
import { unpackedPackage } from '../environment/unpacked-package.js';
import { extendInitramfs } from '../guests/initramfs.js';
import { modulesWithDependencies } from '../guests/kernel-modules.js';

/** Busybox's acpid looks for what to do there. */
const handlers = 'etc/acpi';
const powerButton = `${handlers}/PWRF/00000080`;

/** The tests' usual first file system, with what it takes to obey the power button once `acpid -d` runs. */
export async function powerButtonInitramfs({ kernel, initramfs }: Environment): Promise<string> {
  const modules = join(unpackedPackage('kernel'), 'lib/modules', basename(kernel).replace('vmlinuz-', ''));
  const files = new Map<string, Buffer>([[powerButton, Buffer.from('#!/bin/sh\npoweroff -f\n')]]);
  for (const [index, path] of (await modulesWithDependencies(modules, ['button', 'evdev'])).entries()) {
    files.set(`modules/9${index}.ko`, await readFile(path));
  }
  return extendInitramfs(initramfs, ['etc', handlers, `${handlers}/PWRF`], files);
}
