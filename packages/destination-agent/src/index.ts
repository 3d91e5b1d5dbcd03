export { runDestinationAgent } from './agent.js';
export { destinationSettings, type DestinationConfiguration } from './configuration.js';
export type { IncomingView } from './incoming-view.js';
