import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** A file of the checkout. */
export const inRepository = (...parts: string[]): string => join(repository, ...parts);

/** A file that is packaged as it is. */
export const inDeploy = (...parts: string[]): string => inRepository('deploy', ...parts);

/** Where the packages keep what is theirs alone. */
export const LIBRARY = 'usr/lib/pageferry';
