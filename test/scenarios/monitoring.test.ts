import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type, type Static } from '@sinclair/typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checked } from '../agents/migration.js';
import { repository } from '../environment/paths.js';
import { promtool } from '../environment/promtool.js';
import { run } from '../environment/run.js';
import { scrape, seriesNames } from './support/scrape.js';
import { useAgents } from './support/use-agents.js';

// What deploy/monitoring has is for the metrics that these agents serve.

const agents = useAgents();

const fetchMs = 300_000;
const folder = join(repository, 'deploy', 'monitoring');
const rulesFile = join(folder, 'pageferry.rules.yml');
const dashboardFile = join(folder, 'pageferry.dashboard.json');

const Dashboard = Type.Object({
  uid: Type.Literal('pageferry'),
  panels: Type.Array(
    Type.Object({
      title: Type.String(),
      datasource: Type.Optional(Type.Object({ uid: Type.Literal('${datasource}') })),
      targets: Type.Optional(
        Type.Array(
          Type.Object({
            expr: Type.String(),
            datasource: Type.Object({ uid: Type.Literal('${datasource}') }),
          }),
        ),
      ),
    }),
  ),
});

let tool: string;
let scratch: string;
let dashboard: Static<typeof Dashboard>;

beforeAll(async () => {
  tool = await promtool();
  scratch = await mkdtemp(join(tmpdir(), 'pageferry-monitoring-'));
  dashboard = checked(Dashboard, JSON.parse(await readFile(dashboardFile, 'utf8')));
}, fetchMs);
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** As Grafana would ask for them, with its variables filled in. */
const expressions = (): string[] =>
  dashboard.panels
    .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expr) => expr.replaceAll(/\$__(rate_)?interval/g, '5m').replaceAll('$instance', '.*'));

const metricsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/\b(?:pageferry|process|nodejs)_\w+/g)].map(([name]) => name)),
];

test('each alert fires when it has to, and only then', async () => {
  expect(await run(tool, ['check', 'rules', rulesFile])).toContain('SUCCESS');
  expect(await run(tool, ['test', 'rules', join(folder, 'pageferry.rules.test.yml')])).toContain('SUCCESS');
  const tests = await readFile(join(folder, 'pageferry.rules.test.yml'), 'utf8');
  const alerts = [...(await readFile(rulesFile, 'utf8')).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect(alerts.length).toBeGreaterThan(10);
  for (const alert of alerts) expect(tests).toContain(`alertname: ${String(alert)}\n`);
});

test("the dashboard's expressions can be evaluated", async () => {
  expect(expressions().length).toBeGreaterThan(20);
  const rules = expressions().map((expr, index) => ({ record: `panel:${index}`, expr }));
  const path = join(scratch, 'dashboard.rules.yml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  expect(await run(tool, ['check', 'rules', path])).toContain('SUCCESS');
});

test('alerts and dashboard name only metrics that the agents serve', async () => {
  const { sourceAgent, destinationAgent } = agents();
  const texts = [await scrape(sourceAgent), await scrape(destinationAgent)];
  // These agents have no certificates.
  const served = [
    ...texts.flatMap((text) => [...seriesNames(text)]),
    'pageferry_certificate_expiry_timestamp_seconds',
  ];
  const rules = await readFile(rulesFile, 'utf8');
  const named = metricsIn(
    [...expressions(), ...(rules.match(/^ +expr: [^]*?(?=^ +(?:for|labels):)/gm) ?? [])].join('\n'),
  );
  expect(named).toContain('pageferry_migrations_running');
  expect(named.filter((name) => !served.includes(name))).toEqual([]);
});

test('every metric of the agents is documented, and none that there is not', async () => {
  const { sourceAgent, destinationAgent } = agents();
  const text = `${await scrape(sourceAgent)}${await scrape(destinationAgent)}`;
  const served = [...text.matchAll(/^# TYPE (pageferry_\w+) /gm)].map(([, name]) => name);
  const page = await readFile(join(repository, 'docs', 'metrics.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(pageferry_\w+)`/gm)].map(([, name]) => name);
  expect([...new Set(served)].sort()).toEqual(documented.sort());
});

test('promtool finds nothing wrong with the metrics that are ours', async () => {
  const { sourceAgent, destinationAgent } = agents();
  for (const agent of [sourceAgent, destinationAgent]) {
    const path = join(scratch, 'scrape');
    await writeFile(path, await scrape(agent));
    // 3: it can be read, and some names of prom-client's own are against the conventions.
    const check = '"$0" check metrics < "$1" 2>&1 || [ $? -eq 3 ]';
    expect(await run('sh', ['-c', check, tool, path])).not.toContain('pageferry_');
  }
});
