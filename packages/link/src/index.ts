export { connectToDestination } from './connect.js';
export type { LinkIdentity } from './link-identity.js';
export { PeerConnection, type PeerConnectionOptions } from './peer-connection.js';
export { isPeerRule } from './peer-names.js';
export type { Refusal } from './refusal.js';
export {
  StreamListener,
  type AdmittedPeer,
  type ListenerTls,
  type StreamListenerOptions,
} from './stream-listener.js';
