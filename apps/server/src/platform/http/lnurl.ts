import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from './http.ts';
import { type HttpLog, toAppError } from './problems.ts';

/** What a wallet is answered when it does not get what it wants (LUD-01 and all that build on it). */
export type LnurlError = { status: 'ERROR'; reason: string };

export function lnurlError(reason: string): LnurlError {
  return { status: 'ERROR', reason };
}

/**
 * Adds routes that wallets call (LNURL). Every error has the shape that wallets read. It comes with
 * status 200 unless it is ours or the caller asks too often: LUD-01 tells wallets to look at the body
 * alone, and those that do not would hide the reason from their user. Pages of any origin may ask
 * (CORS): wallets live in browsers too.
 */
export async function lnurlRoutes(
  app: HttpApp,
  { log }: { log: HttpLog },
  register: (scope: HttpApp) => void,
): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('access-control-allow-origin', '*');
      reply.header('cross-origin-resource-policy', 'cross-origin');
    });
    scope.setErrorHandler((error, request, reply) => answer(log, error, request, reply));
    register(scope);
  });
}

function answer(
  log: HttpLog,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = toAppError(error);
  if (known !== undefined && known.status < 500) {
    const { retryAfterSeconds } = known;
    if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
    return reply.code(known.status === 429 ? 429 : 200).send(lnurlError(known.message));
  }
  const { method, routeOptions, id: requestId } = request;
  log.error({ requestId, method, route: routeOptions.url, error }, 'request failed');
  const reason =
    known === undefined
      ? `Something went wrong here; try again shortly (${requestId}).`
      : 'This is not possible just now; try again shortly.';
  return reply.code(known?.status ?? 500).send(lnurlError(reason));
}

/** A parameter of the query that stands there once; undefined where it is missing or repeated. */
export function queryText(request: FastifyRequest, name: string): string | undefined {
  const { query } = request;
  if (typeof query !== 'object' || query === null) return undefined;
  const found = Object.entries<unknown>({ ...query }).find(([key]) => key === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}
