import { ratioOf, type Find } from './ratios.js';
import { completes } from './summary.js';
import { at, atMost, type Target } from './target.js';

const link = 1000;
const links = [1000, 200] as const;
const mebibyte = 1024 * 1024;
const methods = ['precopy', 'hybrid'] as const;

/** Ratios to the same method without storage. */
const wantedRatios = [
  { scenario: 'cached', figure: 'bytes', title: 'bytes on the wire', wanted: 0.55 },
  { scenario: 'cached', figure: 'totalTime', title: 'total time', wanted: 0.6 },
  { scenario: 'cached-slow-storage', figure: 'totalTime', title: 'total time', wanted: 1.03 },
] as const;

const applications = ['web', 'database'] as const;
/** Of the work before. */
const mostLost = 0.05;

/** What is wanted where the page cache need not go over the wire. */
export function storageTargets(find: Find): Target[] {
  return [...ratioTargets(find), ...applicationTargets(find)];
}

function ratioTargets(find: Find): Target[] {
  const compared = links.flatMap((speed) => methods.map((method) => ({ speed, method })));
  return wantedRatios.flatMap(({ scenario, figure, title, wanted }) =>
    compared.flatMap(({ speed, method }) => {
      const ours = find(scenario, speed, method);
      const measured = ratioOf(figure, ours, find(scenario, speed, `${method}-without-storage`));
      if (ours === undefined || measured === null) return [];
      const target = atMost(wanted, '× without storage', measured);
      const name = `${at(scenario, speed)}, ${method}: ${title}`;
      return [{ ...target, name, reached: target.reached && completes(ours) }];
    }),
  );
}

/** The application goes on as before, and finds in its cache what it has found there before. */
function applicationTargets(find: Find): Target[] {
  return applications.flatMap((scenario) =>
    methods.flatMap((method) => {
      const around = find(scenario, link, method)?.around;
      const [lost, more] = [around?.lost?.median, around?.readBytesMore?.median];
      if (lost === undefined || more === undefined) return [];
      const name = `${at(scenario, link)}, ${method}`;
      return [
        { name: `${name}: throughput lost after the switch-over`, ...atMost(mostLost, '× before', lost) },
        { name: `${name}: more read from disk than before`, ...atMost(0, 'MiB', more / mebibyte) },
      ];
    }),
  );
}
