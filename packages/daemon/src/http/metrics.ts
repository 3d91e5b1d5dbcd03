import { Type } from '@sinclair/typebox';
import { Gauge, Histogram, collectDefaultMetrics, type Registry } from 'prom-client';
import type { HttpServer } from '../http-server.js';
import type { FileReloader } from '../security/file-reloader.js';
import { guardAnswers } from './api-document.js';

const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

/**
 * Serves the registry at `/metrics`, and measures the server's requests.
 * @param files with the certificates in use
 */
export function serveMetrics(
  server: HttpServer,
  registry: Registry,
  files: Pick<FileReloader, 'validities'> | undefined,
): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'pageferry_certificate_expiry_timestamp_seconds',
    help: 'When the certificates in use expire, since the epoch',
    labelNames: ['use'],
    registers: [registry],
    collect() {
      for (const { what, until } of files?.validities ?? []) this.set({ use: what }, until / 1000);
    },
  });
  const requests = new Histogram({
    name: 'pageferry_http_request_duration_seconds',
    help: 'Time until an API request was answered',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    requests.observe(
      { method: route === 'none' ? 'none' : request.method, route, status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
    done();
  });
  server.get(
    '/metrics',
    {
      schema: {
        summary: 'Metrics for Prometheus',
        response: {
          200: {
            description: "In Prometheus's text format",
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...guardAnswers,
        },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
