export * from './channel-frames.js';
export * from './compressed-frame.js';
export * from './control-messages.js';
export * from './endpoint.js';
export * from './frame-header.js';
export * from './page-frames.js';
