import type { CustomerProfile } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Agent } from 'undici';
import { z } from 'zod';
import {
  checkOutboundUrl,
  openGuardedAgent,
  readBounded,
  type Resolve,
  type UrlPolicy,
} from '../../../platform/outbound/index.ts';
import { endOfDay } from '../calendar.ts';
import type { ProviderAnswer, Verification } from '../verification.ts';

export type StartRequest = {
  id: Uuid;
  level: Verification['level'];
  kind: 'person' | 'entity';
  profile: CustomerProfile;
  /** Where it tells us that something has changed. */
  callbackUrl: string;
};

/** Somebody who verifies identities. What it is asked has an id of ours, which makes asking again safe. */
export type IdentityProvider = {
  start(request: StartRequest, signal: AbortSignal): Promise<ProviderAnswer>;
  read(id: Uuid, signal: AbortSignal): Promise<ProviderAnswer>;
};

/** Reaches any number of providers; one for each process. */
export type ProviderClient = {
  at(place: { url: string; apiKey: string }): IdentityProvider;
  close(): Promise<void>;
};

const CONNECT_MS = 5_000;
/** For connecting, sending and reading together: nobody waits for it on a page. */
const TOTAL_MS = 15_000;
const MAX_BODY_BYTES = 65_536;

/** The interface's answers, of POST, GET and callback alike (docs/kyc.md). */
const answerSchema = z.object({
  reference: z.string().min(1).max(200),
  state: z.enum(['running', 'passed', 'failed']),
  link: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .nullish(),
  documentsExpireOn: z.iso.date().nullish(),
  // A code, not a sentence: a sentence might say who somebody is, and this is not sealed.
  reason: z
    .string()
    .regex(/^[a-z0-9_]{1,60}$/)
    .nullish()
    .catch(null),
});

export function openProviderClient(options: {
  policy: UrlPolicy;
  resolve?: Resolve | undefined;
  totalMs?: number;
}): ProviderClient {
  const { policy, resolve, totalMs = TOTAL_MS } = options;
  const connectMs = Math.min(CONNECT_MS, totalMs);
  const agent = openGuardedAgent(policy, { connectMs, totalMs, resolve });
  return {
    at({ url, apiKey }) {
      const call = async (
        wish: { method: 'GET' | 'POST'; path: string; id: Uuid; body?: unknown },
        signal: AbortSignal,
      ): Promise<ProviderAnswer> => {
        const checked = checkOutboundUrl(url.replace(/\/+$/, '') + wish.path, policy);
        if (!checked.ok) return silent(`the address is refused: ${checked.reason}`);
        const until = AbortSignal.any([signal, AbortSignal.timeout(totalMs)]);
        try {
          const { status, text } = await exchange(agent, checked.url, { ...wish, apiKey }, until);
          return answerOf(wish.method, status, text);
        } catch (error) {
          return silent(reasonOf(error));
        }
      };
      return {
        start: ({ id, ...request }, signal) =>
          call({ method: 'POST', path: '/verifications', id, body: { id, ...request } }, signal),
        read: (id, signal) => call({ method: 'GET', path: `/verifications/${id}`, id }, signal),
      };
    },
    close: () => agent.destroy(),
  };
}

async function exchange(
  agent: Agent,
  url: URL,
  wish: { method: 'GET' | 'POST'; id: Uuid; body?: unknown; apiKey: string },
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: wish.method,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${wish.apiKey}`,
      'user-agent': 'Quittance/1',
      ...(wish.body === undefined
        ? {}
        : { 'content-type': 'application/json', 'idempotency-key': wish.id }),
    },
    body: wish.body === undefined ? null : JSON.stringify(wish.body),
    signal,
  });
  const read = await readBounded(body, MAX_BODY_BYTES);
  if (read === null) throw new Error(`it answers more than ${MAX_BODY_BYTES} bytes`);
  return { status: statusCode, text: read.toString('utf8') };
}

/** Only what says so for certain is an answer; all else is silence, and is asked about again. */
function answerOf(method: 'GET' | 'POST', status: number, text: string): ProviderAnswer {
  if (status >= 200 && status < 300)
    return readAnswer(text) ?? silent('its answer can not be read');
  if (method === 'GET' && status === 404) return { kind: 'unknown' };
  if (method === 'POST' && (status === 400 || status === 422)) {
    return { kind: 'refused', reason: `provider_refused_${status}` };
  }
  return silent(`it answers ${status}`);
}

/** Reads what a provider says of a verification; undefined where it can not be read. */
export function readAnswer(text: string): ProviderAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = answerSchema.safeParse(value);
  if (!read.success) return undefined;
  const { reference, state, link, documentsExpireOn, reason } = read.data;
  if (state === 'running') return { kind: 'running', reference, link: link ?? null };
  if (state === 'failed') return { kind: 'failed', reference, reason: reason ?? 'failed' };
  const day = documentsExpireOn ?? null;
  return { kind: 'passed', reference, validUntilMs: day === null ? null : endOfDay(day) };
}

/** PostgreSQL's text holds neither NUL nor half of a surrogate pair. */
function tidy(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').toWellFormed();
}

function silent(reason: string): ProviderAnswer {
  return { kind: 'silent', reason: tidy(reason) };
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it does not answer in time';
  return error.message === '' ? error.name : error.message;
}
