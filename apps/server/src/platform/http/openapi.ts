import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { problemSchema } from '@quittance/contract';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PROBLEM_TYPE } from './problems.ts';

export const OPENAPI_PATH = '/v1/openapi.json';
export const DOCS_PATH = '/docs';

const ABOUT = `Quittance takes bitcoin payments for shops.

**Keys.** Send \`Authorization: Bearer qt_…\`. Each route names the scope that the key needs.

**Amounts** are strings: \`…Sats\` are whole satoshis, \`…Amount\` are decimals in their currency.

**Retries.** Send \`Idempotency-Key\` with every POST. The same key and body get the stored answer
(header \`idempotency-replayed: true\`) for at least 24 hours; another body gets 422.

**Lists** come in pages: \`limit\` (1 to 100) and \`starting_after\` (the last id you have).

**Errors** are problem+json (RFC 9457) with a stable \`code\`.`;

/** The answers that every route may give besides its success. */
const problemAnswer = {
  description: 'Something is wrong; `code` says what',
  content: { [PROBLEM_TYPE]: { schema: problemSchema } },
};

/** Response schemas of a route: its success and the problems that all routes share. */
export function answers<Status extends number, Schema extends z.ZodType>(
  status: Status,
  schema: Schema,
): { [S in Status]: Schema } & { '4xx': typeof problemAnswer; '5xx': typeof problemAnswer } {
  // A computed name of a generic type loses its type; it is the status that was passed.
  const success = { [status]: schema } as { [S in Status]: Schema };
  return { ...success, '4xx': problemAnswer, '5xx': problemAnswer };
}

/** The same for a route that answers with a file: the stream is sent as it is. */
export function fileAnswers(type: string, description: string) {
  const file = { description, content: { [type]: { schema: z.any() } } };
  return { 200: file, '4xx': problemAnswer, '5xx': problemAnswer };
}

/** Has to be called before the first route, so that it sees them all. */
export async function documentRoutes(
  app: FastifyInstance,
  options: { version: string; publicUrl: string },
): Promise<void> {
  /** Operations that can be called without a body; the plugin would call every body required. */
  const optionalBodies = new Set<string>();
  app.addHook('onRoute', ({ schema }) => {
    if (schema?.operationId === undefined || !(schema.body instanceof z.ZodType)) return;
    if (schema.body.safeParse(undefined).success) optionalBodies.add(schema.operationId);
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Quittance', version: options.version, description: ABOUT },
      servers: [{ url: options.publicUrl }],
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'qt_…' } },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
    hideUntagged: true,
  });
  let text: string | undefined;
  app.get(
    OPENAPI_PATH,
    { config: { access: 'public' }, schema: { hide: true } },
    async (_request, reply) => {
      text ??= JSON.stringify(relaxBodies(app.swagger(), optionalBodies));
      return await reply.type('application/json').send(text);
    },
  );
  await app.register(swaggerUi, {
    routePrefix: DOCS_PATH,
    staticCSP: true,
    theme: { title: 'Quittance API' },
    uiConfig: { docExpansion: 'list', persistAuthorization: false, url: OPENAPI_PATH },
  });
}

type Document = { paths?: Record<string, object | undefined> | undefined };
type WithBody = { operationId: string; requestBody: { required?: boolean } };

function relaxBodies(document: Document, optional: ReadonlySet<string>): Document {
  for (const methods of Object.values(document.paths ?? {})) {
    for (const operation of Object.values<unknown>({ ...methods })) {
      if (!hasBody(operation) || !optional.has(operation.operationId)) continue;
      operation.requestBody.required = false;
    }
  }
  return document;
}

function hasBody(operation: unknown): operation is WithBody {
  return (
    typeof operation === 'object' &&
    operation !== null &&
    'operationId' in operation &&
    'requestBody' in operation
  );
}

/** Adds to a route's description what its configuration says: key, scope, idempotency. */
export function describeRoute(route: RouteOptions): void {
  const { access, idempotency } = route.config ?? {};
  if (route.schema === undefined || access === undefined) return;
  const notes = [route.schema.description];
  if (access !== 'public') {
    route.schema.security = [{ apiKey: [] }];
    notes.push(`Scope: ${access.anyOf.map((scope) => `\`${scope}\``).join(' or ')}.`);
  }
  if (idempotency === 'stored' || idempotency === 'own') {
    notes.push('Honours `Idempotency-Key`.');
  }
  const description = notes.filter((note) => note !== undefined).join('\n\n');
  if (description !== '') route.schema.description = description;
}
