import type { FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '../errors.ts';

/** Requests a minute under each named limit. Zero or less is not possible; large is "no limit". */
export type RateLimits = {
  /** Reading, by key. */
  read: number;
  /** Reading what takes a scan of the store's whole history, by key. */
  history: number;
  /** Changing settings, wallets, keys and endpoints, by key. */
  write: number;
  /** Making orders, by key. */
  create: number;
  /** Routes without a key, by address of the client. */
  public: number;
  /** Claiming a refund, by address of the client: a person does it once, with a few mistakes. */
  claim: number;
  /** Wrong keys, by address of the client: no guessing, no flood of look-ups. */
  wrongKey: number;
};
export type LimitName = Exclude<keyof RateLimits, 'wrongKey'>;

/**
 * A shop's server is one key and one address, and may be busy (btcpayserver#4837 allowed four
 * orders a minute and stopped shops), so that keys are limited only against a program run wild.
 */
export const defaultRateLimits: RateLimits = {
  read: 120_000,
  history: 60,
  write: 6_000,
  create: 1_200_000,
  public: 6_000,
  claim: 60,
  wrongKey: 60,
};

export const RATE_WINDOW_MS = 60_000;
/** Keys and addresses that are counted at one time; the longest unused are forgotten. */
export const RATE_CACHE_SIZE = 20_000;

/** Sets the route's named limit in the form that @fastify/rate-limit understands. */
export function applyRateLimit(route: RouteOptions, limits: RateLimits): void {
  const { access } = route.config ?? {};
  const name: LimitName = route.config?.limit ?? (access === 'public' ? 'public' : byMethod(route));
  const { limitOf } = route.config ?? {};
  const limitFor = (request: FastifyRequest) => limitOf?.(request) ?? name;
  const keyOf = access === 'public' ? (request: FastifyRequest) => request.ip : keyOfCaller;
  route.config = {
    ...route.config,
    rateLimit: {
      max: limitOf === undefined ? limits[name] : (request) => limits[limitFor(request)],
      timeWindow: RATE_WINDOW_MS,
      groupId: name,
      // What some requests of a route are counted for is counted apart from its others.
      keyGenerator: (request) =>
        limitOf === undefined ? keyOf(request) : `${keyOf(request)} ${limitFor(request)}`,
      errorResponseBuilder: (_request, context) => tooMany(context.max, context.ttl),
    },
  };
}

function byMethod(route: RouteOptions): LimitName {
  return route.method === 'GET' || route.method === 'HEAD' ? 'read' : 'write';
}

function keyOfCaller(request: FastifyRequest): string {
  return request.caller?.keyId ?? request.ip;
}

/** @param ttlMs until the present window ends */
export function tooMany(max: number, ttlMs: number): AppError {
  const retryAfterSeconds = Math.max(1, Math.ceil(ttlMs / 1000));
  const detail = `At most ${max} requests a minute are possible here; try again in ${retryAfterSeconds} s.`;
  return new AppError('rate_limited', detail, { retryAfterSeconds });
}
