import type { Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { type Caller, checkAccess } from './access.ts';
import { RATE_WINDOW_MS, tooMany } from './rate-limits.ts';

/**
 * Finds whose key a token is. Gives the caller at once when it is remembered (no promise, for the
 * hot path), else a promise of it; undefined when there is no such valid key.
 */
export type Authenticate = (token: string) => Caller | undefined | LookUp;
/** Asks the database; not begun before it is known that the client may try another key. */
export type LookUp = () => Promise<Caller | undefined>;

/** Counts wrong keys by the client's address: a peek, and a count. */
export type WrongKeys = {
  isExceeded(request: FastifyRequest): boolean | Promise<boolean>;
  count(request: FastifyRequest): Promise<void>;
};

const BEARER = /^bearer +([A-Za-z0-9_.~+/=-]+)$/i;
/** No key is longer; a longer header is not looked at. */
const MAX_AUTHORIZATION_LENGTH = 300;

/**
 * The hook before every route: works out the caller and whether the route is his to call. A public
 * route looks at no key.
 */
export function authenticationHook(deps: {
  authenticate: Authenticate;
  wrongKeys: WrongKeys;
  maxWrongKeys: number;
}) {
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const access = request.routeOptions.config.access;
    // A request that no route takes is answered 404 or 405 without looking at its key.
    if (access === undefined || access === 'public') {
      done();
      return;
    }
    let found: ReturnType<Authenticate>;
    let token: string;
    try {
      token = readToken(request.headers.authorization);
      found = deps.authenticate(token);
    } catch (error) {
      done(asError(error));
      return;
    }
    const admit = (caller: Caller | undefined): void => {
      if (caller === undefined) throw wrongKey();
      checkAccess(caller, access.anyOf);
      request.caller = caller;
    };
    if (typeof found === 'function' || found === undefined) {
      const lookUp = found ?? (async () => undefined);
      admitSlowly(deps, request, lookUp, admit).then(
        () => done(),
        (error: unknown) => done(asError(error)),
      );
      return;
    }
    try {
      admit(found);
    } catch (error) {
      done(asError(error));
      return;
    }
    done();
  };
}

async function admitSlowly(
  deps: { wrongKeys: WrongKeys; maxWrongKeys: number },
  request: FastifyRequest,
  lookUp: LookUp,
  admit: (caller: Caller | undefined) => void,
): Promise<void> {
  if (await deps.wrongKeys.isExceeded(request)) throw tooMany(deps.maxWrongKeys, RATE_WINDOW_MS);
  const caller = await lookUp();
  if (caller === undefined) await deps.wrongKeys.count(request);
  admit(caller);
}

function readToken(header: string | undefined): string {
  if (header === undefined) {
    throw new AppError('unauthorized', 'Send your API key as "Authorization: Bearer qt_…".');
  }
  const match = header.length <= MAX_AUTHORIZATION_LENGTH ? BEARER.exec(header) : null;
  if (match?.[1] === undefined) {
    throw new AppError('unauthorized', 'Write the header as "Authorization: Bearer qt_…".');
  }
  return match[1];
}

/** The same words for a key that never was, has expired or was revoked. */
function wrongKey(): AppError {
  return new AppError('unauthorized', 'This API key is not valid, or no longer.');
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Stands for the administrator where a merchant's id is asked for (idempotency keys, audit). */
export const INSTANCE_ID: Uuid = '00000000-0000-0000-0000-000000000000';
