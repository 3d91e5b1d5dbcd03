export { connectToDestination } from './connect.js';
export { PeerConnection, type PeerConnectionOptions } from './peer-connection.js';
