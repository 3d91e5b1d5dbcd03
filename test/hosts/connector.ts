/** Runs on a test host, as a program: makes connections there and passes them to the process that asks for them. */
import { createConnection } from 'node:net';
import { fieldsOf, numberOf, stringOf } from '../environment/values.js';

process.on('message', (message) => {
  const request = fieldsOf(message);
  const id = stringOf(request, 'id');
  const socket = createConnection({ host: stringOf(request, 'address'), port: numberOf(request, 'port') });
  socket.once('connect', () => process.send?.({ id }, socket));
  socket.once('error', (error) => process.send?.({ id, error: error.message }));
});
