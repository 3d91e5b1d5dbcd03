import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Their guests write about as fast as the link carries: whether a migration converges must not depend on another test's. */
const alone = ['chain', 'converging', 'ordered-propagation'].map((name) => `test/scenarios/${name}.test.ts`);

/** What takes longest. The last to begin is waited for alone; how long each took last time a new checkout does not know. */
const longest = [
  'web-page',
  'storage-faults',
  'storage',
  'page-filter',
  'failures',
  'gangs',
  'ownership',
  'busy-files',
  'modes',
  'disk',
  'api-steering',
  'libvirt',
  'storage-host',
  'environment',
  'bit-for-bit',
  'guest-disks',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = longest.indexOf(basename(moduleId, '.test.ts'));
      return index === -1 ? longest.length : index;
    };
    return (await super.sort(files)).sort((left, right) => place(left) - place(right));
  }
}

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'packages',
          include: ['packages/*/test/**/*.test.ts'],
          maxWorkers: 2,
          // What each of these files would import anew takes longer than most of their tests.
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, fileParallelism: false, sequence: { groupOrder: 3 } },
      },
    ],
  },
});
