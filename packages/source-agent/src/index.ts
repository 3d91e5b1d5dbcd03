export { runSourceAgent } from './agent.js';
export { sourceSettings, type SourceConfiguration } from './configuration.js';
export type { OutgoingView } from './outgoing-view.js';
export { MigrationRequest } from './request.js';
