import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { asPageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';
import type { HttpServer } from '../http-server.js';
import { guardAnswers } from './api-document.js';

const Check = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  detail: Type.String({ description: 'What was found and, where it is not well, the way out' }),
});
export type Check = Static<typeof Check>;

const Readiness = Type.Object({ ready: Type.Boolean(), checks: Type.Array(Check) });

/** `/healthz`: the agent answers; `/readyz`: migrations can begin here, or what is missing. However many ask, one looks. */
export function serveHealth(server: HttpServer, checks: () => Promise<readonly Check[]>): void {
  let looking: Promise<readonly Check[]> | undefined;
  const look = async (): Promise<readonly Check[]> => {
    looking ??= checks().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  server.get(
    '/healthz',
    {
      schema: {
        summary: 'Whether the agent lives',
        security: [],
        response: { 200: Type.Object({ status: Type.Literal('ok') }), 429: guardAnswers[429] },
      },
    },
    () => ({ status: 'ok' as const }),
  );
  server.get(
    '/readyz',
    {
      schema: {
        summary: 'Whether migrations can begin here, and what is missing',
        response: { 200: Readiness, 503: Readiness, ...guardAnswers },
      },
    },
    async (_request, reply) => {
      const found = [...(await look())];
      const ready = found.every(({ ok }) => ok);
      return reply.status(ready ? 200 : 503).send({ ready, checks: found });
    },
  );
}

/** Whether the agent can use a directory; it has to write into it if `writes`. */
export async function checkDirectory(name: string, path: string, writes: boolean): Promise<Check> {
  const { R_OK, W_OK, X_OK } = constants;
  try {
    await access(path, R_OK | X_OK | (writes ? W_OK : 0));
    return { name, ok: true, detail: path };
  } catch (thrown) {
    return {
      name,
      ok: false,
      detail: `${asPageferryError(thrown).message}: make it, and let this agent's user use it`,
    };
  }
}
