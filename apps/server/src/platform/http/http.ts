import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { assert } from '@quittance/kernel';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
  type RouteOptions,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { AppError } from '../errors.ts';
import type { Access, Idempotency } from './access.ts';
import { type Authenticate, authenticationHook } from './authentication.ts';
import { checkCharset, MAX_BODY_BYTES, parseJsonBody } from './json-body.ts';
import { DOCS_PATH, describeRoute, documentRoutes } from './openapi.ts';
import { createPathBook } from './paths.ts';
import { answerBrokenRequest, type HttpLog, sendProblem, toAppError } from './problems.ts';
import {
  applyRateLimit,
  defaultRateLimits,
  RATE_CACHE_SIZE,
  RATE_WINDOW_MS,
  type RateLimits,
} from './rate-limits.ts';
import { compileValidator, serializerCompiler } from './validation.ts';

/** A client that sends its request slower than this holds a socket for nothing. */
const REQUEST_TIMEOUT_MS = 30_000;
/** A connection without a request is kept this long: longer than proxies' usual 60 s. */
const KEEP_ALIVE_MS = 72_000;
/** Longest part of a path that is looked at; ids have 36 characters. */
const MAX_PARAM_LENGTH = 200;
/**
 * At shutdown running requests may finish within this time; then their sockets are closed. Shorter
 * than what the lifecycle gives each resource, so that the close itself is never cut short.
 */
export const DRAIN_MS = 5_000;

export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export type HttpOptions = {
  authenticate: Authenticate;
  log: HttpLog;
  version: string;
  /** The origin that clients see: "https://pay.example". */
  publicUrl: string;
  limits?: Partial<RateLimits>;
  /** Proxies whose X-Forwarded-For is believed; none by default. */
  trustProxy?: string[];
  /** Each answer is checked against its schema: for tests. */
  checkAnswers?: boolean;
  /** Distinguishes this process's request ids; random. */
  instanceTag: string;
};

/** What is known of a route: for the check that none is left unguarded. */
export type RouteFact = {
  method: string;
  url: string;
  access: Access;
  idempotency: Idempotency | undefined;
};

export type Http = {
  /** Modules add their routes to it, each with `config: needs(scope)` or `open`. */
  app: HttpApp;
  routes: readonly RouteFact[];
  /** @returns the port that was bound: the asked one, or any when 0 */
  listen(at: { host: string; port: number }): Promise<number>;
  /** Takes no new requests, lets the running ones finish, closes. */
  close(): Promise<void>;
};

/** The HTTP interface without any route of the product: what all routes have in common. */
export async function buildHttp(options: HttpOptions): Promise<Http> {
  const limits: RateLimits = { ...defaultRateLimits, ...options.limits };
  const app = createApp(options);
  const routes: RouteFact[] = [];
  const paths = createPathBook();

  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(serializerCompiler(options.checkAnswers === true));
  acceptJsonOnly(app);
  app.decorateRequest('caller', null);
  app.addHook('onRequest', setCommonHeaders(options.publicUrl));
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith(DOCS_PATH)) route.config = { ...route.config, access: 'public' };
    applyRateLimit(route, limits);
    describeRoute(route);
    paths.add(route.method, route.url);
    for (const method of typeof route.method === 'string' ? [route.method] : route.method) {
      routes.push(checkRoute(route, method));
    }
  });
  await app.register(rateLimit, { global: false, cache: RATE_CACHE_SIZE });
  app.addHook('onRequest', authenticate(app, options, limits.wrongKey));
  app.setErrorHandler((error, request, reply) => answerError(options.log, error, request, reply));
  app.setNotFoundHandler((request, reply) => answerNotFound(paths.methodsOf, request, reply));
  await documentRoutes(app, options);

  return {
    app,
    routes,
    async listen({ host, port }) {
      await app.listen({ host, port });
      const address = app.server.address();
      assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
      return address.port;
    },
    async close() {
      const force = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      try {
        await app.close();
      } finally {
        clearTimeout(force);
      }
    },
  };
}

function createApp(options: HttpOptions): HttpApp {
  let count = 0;
  return fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node would answer a request without Host with an empty 400; the hook answers with a problem.
    http: { requireHostHeader: false },
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    trustProxy: options.trustProxy ?? false,
    requestIdHeader: false,
    genReqId: () => `${options.instanceTag}-${(count++).toString(36)}`,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => {
      void sendProblem(reply, toAppError(error) ?? badPath(), request.id);
    },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket as Socket),
  }).withTypeProvider<ZodTypeProvider>();
}

function badPath(): AppError {
  return new AppError('invalid_request', 'The path of the URL is not well formed.');
}

function acceptJsonOnly(app: HttpApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (
      request: FastifyRequest,
      body: Buffer,
      done: (error: Error | null, value?: unknown) => void,
    ) => {
      let value: unknown;
      try {
        checkCharset(request.headers['content-type'] ?? '');
        value = parseJsonBody(body, request.routeOptions.config.exactNumbers === true);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      done(null, value);
    },
  );
}

/** Answers are data, never pages: nothing may be run, framed, sniffed or kept by a cache. */
function setCommonHeaders(publicUrl: string) {
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
  if (publicUrl.startsWith('https:')) {
    headers['strict-transport-security'] = 'max-age=31536000';
  }
  const noHost = new AppError('invalid_request', 'Send the header Host (RFC 9112, section 3.2).');
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    reply.headers(headers);
    reply.header('x-request-id', request.id);
    if (request.headers.host === undefined && request.raw.httpVersion !== '1.0') done(noHost);
    else done();
  };
}

/** A route that does not say who may call it, or a POST that ignores retries, stops the start. */
function checkRoute(route: RouteOptions, method: string): RouteFact {
  const { access, idempotency } = route.config ?? {};
  assert(access !== undefined, `${method} ${route.url} does not say who may call it`);
  assert(
    method !== 'POST' || idempotency !== undefined,
    `${method} ${route.url} does not say how it honours Idempotency-Key`,
  );
  return { method, url: route.url, access, idempotency };
}

function authenticate(app: HttpApp, options: HttpOptions, maxWrongKeys: number) {
  const limit = app.createRateLimit({ max: maxWrongKeys, timeWindow: RATE_WINDOW_MS });
  return authenticationHook({
    authenticate: options.authenticate,
    maxWrongKeys,
    wrongKeys: {
      async isExceeded(request) {
        const state = await limit(request, { increment: false });
        return !state.isAllowed && state.remaining <= 0;
      },
      async count(request) {
        await limit(request);
      },
    },
  });
}

function answerError(
  log: HttpLog,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = toAppError(error);
  if (known !== undefined) {
    if (known.status >= 500) {
      log.error({ requestId: request.id, code: known.code, cause: known.cause }, known.message);
    }
    return sendProblem(reply, known, request.id);
  }
  const { method, routeOptions } = request;
  log.error({ requestId: request.id, method, route: routeOptions.url, error }, 'request failed');
  const detail = `Something went wrong here; it is logged under the request id ${request.id}.`;
  return sendProblem(reply, new AppError('internal', detail), request.id);
}

function answerNotFound(
  methodsOf: (path: string) => string[],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  const methods = methodsOf(path);
  if (methods.length === 0) {
    const error = new AppError('not_found', 'There is nothing at this path.');
    return sendProblem(reply, error, request.id);
  }
  reply.header('allow', methods.join(', '));
  const detail = `Possible here: ${methods.join(', ')}.`;
  return sendProblem(reply, new AppError('method_not_allowed', detail), request.id);
}
