/**
 * A destination agent, as a program, that others may reach without TLS: its configuration lacks the rule that forbids this.
 * For the wire between two test hosts, where what is measured is not to be encryption.
 */
import { runDaemon } from '@pageferry/daemon';
import { destinationSettings, runDestinationAgent } from '@pageferry/destination-agent';
import { Type } from '@sinclair/typebox';

await runDaemon({
  name: 'pageferry-destination-agent',
  description: 'Takes running QEMU guests in from other test hosts.',
  version: '0.0.0',
  schema: Type.Object(destinationSettings.properties, { additionalProperties: false }),
  main: runDestinationAgent,
});
