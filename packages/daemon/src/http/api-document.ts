import swagger from '@fastify/swagger';
import { Type, type TSchema } from '@sinclair/typebox';
import type { HttpServer } from '../http-server.js';
import { PROBLEM_CONTENT_TYPE, Problem } from '../problem.js';

export interface ApiDocumentOptions {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  /** What several routes answer, each with an `$id`. */
  readonly schemas: readonly TSchema[];
  /** Declares the routes that the document describes. */
  readonly routes: (server: HttpServer) => void;
}

const problem = {
  description: 'A problem document (RFC 9457)',
  content: { [PROBLEM_CONTENT_TYPE]: { schema: Type.Unsafe<Problem>({ $ref: 'Problem#' }) } },
};

/** What is answered before a route is asked: see `guardApi`. To be spread into the response schemas of every route. */
export const guardAnswers = {
  401: {
    ...problem,
    description: 'The token is missing or wrong; a problem document (RFC 9457)',
    headers: { 'www-authenticate': Type.String({ description: 'Bearer' }) },
  },
  429: {
    ...problem,
    description: 'Too many requests, or too many migrations at once; a problem document (RFC 9457)',
    headers: { 'retry-after': Type.Integer({ description: 'Seconds, where requests are too many' }) },
  },
};

/** What every route may answer instead of what it is there for: to be spread into its response schemas. */
export const problemAnswers = { ...guardAnswers, '4xx': problem, '5xx': problem };

/** Declares routes, and serves the OpenAPI document of them at `/openapi.json`. */
export function describeApi(server: HttpServer, options: ApiDocumentOptions): void {
  const { title, description, version, schemas, routes } = options;
  for (const schema of [Problem, ...schemas]) server.addSchema(schema);
  void server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, description, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: "One of the tokens of the agent's apiTokenFile",
          },
        },
      },
      security: [{}, { token: [] }],
    },
    refResolver: {
      buildLocalReference: ({ $id }, _baseUri, _fragment, index) =>
        typeof $id === 'string' ? $id : `schema-${index}`,
    },
  });
  // It sees only the routes that are declared once it is there.
  server.after(() => {
    routes(server);
    server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger());
  });
}
