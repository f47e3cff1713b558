import { coversScope, instanceScope, type Scope } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { LimitName } from './rate-limits.ts';

/** Whose API key a request carries. */
export type Caller = {
  keyId: Uuid;
  /** null for a key of the instance's administrator, who acts for no merchant. */
  merchantId: Uuid | null;
  scopes: readonly Scope[];
};

/** Who may call a route: anybody, or a key that has one of the scopes. */
export type Access = 'public' | { anyOf: readonly Scope[] };

/**
 * How a POST honours `Idempotency-Key`: `stored` by answerOnce(), `own` by the handler itself
 * (order creation does it inside its batch), `none` where repeating changes nothing.
 */
export type Idempotency = 'stored' | 'own' | 'none';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    idempotency?: Idempotency;
    limit?: LimitName;
    /** For a route whose requests differ in what they cost. */
    limitOf?: (request: FastifyRequest) => LimitName;
    /** Numbers in the body arrive as their source text, never through a float. */
    exactNumbers?: boolean;
    /** The media type of a file that is taken in place of the JSON body, for the document. */
    fileType?: string;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** Route configuration: a key with this scope (or one of these) is needed. */
export function needs(...anyOf: [Scope, ...Scope[]]): { access: Access } {
  return { access: { anyOf } };
}

/** Route configuration: no key is needed. */
export const open: { access: Access } = { access: 'public' };

/** @throws {AppError} forbidden */
export function checkAccess(caller: Caller, anyOf: readonly Scope[]): void {
  if (anyOf.some((needed) => coversScope(caller.scopes, needed))) return;
  const names = anyOf.join(' or ');
  const detail =
    caller.merchantId === null && !anyOf.includes(instanceScope)
      ? `This is an administrator's key. Use a key of the merchant with the scope ${names}.`
      : `This API key lacks the scope ${names}.`;
  throw new AppError('forbidden', detail);
}

/** The key that the request was made with; only for routes that need one. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new AppError('unauthorized', 'Send an API key.');
  return request.caller;
}

/** The merchant that the request acts for: its key's own. */
export function merchantOf(request: FastifyRequest): Uuid {
  const { merchantId } = callerOf(request);
  if (merchantId !== null) return merchantId;
  throw new AppError('forbidden', "An administrator's key acts for no merchant.");
}

/** How the audit log names who did something. */
export function actorOf(request: FastifyRequest): string {
  return `key:${callerOf(request).keyId}`;
}
