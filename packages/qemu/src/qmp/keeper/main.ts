import { once } from 'node:events';
import { Socket } from 'node:net';
import { MonitorRelay } from './monitor-relay.js';

// The keeper's process: started, with the arguments PATH GREETING and the QMP connection as file 3, by
// `monitor-keeper.ts`. It imports next to nothing, so that it stays small.

const QMP_FILE = 3;
/** As long as a source tries to connect again, ms. */
const IDLE_LIMIT_MS = 24 * 3_600_000;

const [, , path = '', greeting = ''] = process.argv;
const agentGone = process.connected ? once(process, 'disconnect') : Promise.resolve();
const relay = await MonitorRelay.listen(path, greeting, IDLE_LIMIT_MS);
// An agent that is gone already does not hear it.
process.send?.('ready', undefined, undefined, () => undefined);
await agentGone;
relay.takeOver(new Socket({ fd: QMP_FILE, readable: true, writable: true }));
await relay.ended;
await relay.close();
