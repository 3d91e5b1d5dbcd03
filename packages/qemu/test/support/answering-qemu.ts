import { onTestFinished } from 'vitest';
import { QmpClient } from '../../src/qmp/qmp-client.js';
import { FakeQmpServer } from './fake-qmp-server.js';

/**
 * Connects to a QEMU that answers until the test is over.
 * @param answer what a command of this name returns; QEMU refuses a command for which it throws, with the error's message
 */
export async function answeringQemu(answer: (command: string) => unknown): Promise<QmpClient> {
  const server = await FakeQmpServer.answering(({ execute, id }, socket) => {
    socket.write(`${JSON.stringify({ ...answerOrRefuse(execute, answer), id })}\r\n`);
  });
  onTestFinished(() => server.close());
  const qmp = await QmpClient.connect(server.path);
  onTestFinished(() => {
    qmp.close();
  });
  return qmp;
}

function answerOrRefuse(command: string, answer: (command: string) => unknown): object {
  try {
    return { return: answer(command) };
  } catch (thrown) {
    return { error: { class: 'GenericError', desc: thrown instanceof Error ? thrown.message : 'refused' } };
  }
}
