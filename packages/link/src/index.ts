export { Channel } from './channel.js';
export { asDestination, connectToDestination, shareConnection } from './connect.js';
export type { LinkIdentity } from './link-identity.js';
export { PeerConnection, type PeerConnectionOptions } from './peer-connection.js';
export type { MessageSocket } from './message-socket.js';
export { isPeerRule } from './peer-names.js';
export { SharedConnection, type SharedConnectionOptions } from './shared-connection.js';
export type { Refusal } from './refusal.js';
export {
  StreamListener,
  type AdmittedPeer,
  type ListenerTls,
  type StreamListenerOptions,
} from './stream-listener.js';
