import { problemSchema } from '@quittance/contract';
import { QuittanceError, TemporaryError, toError } from './errors.ts';

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export type ClientOptions = {
  /** Where your Quittance is: "https://pay.example". */
  baseUrl: string;
  apiKey: string;
  /** For tests and for proxies; by default the global fetch. */
  fetch?: FetchLike;
  /** A single try may take this long; 30 seconds by default. */
  timeoutMs?: number;
  /** Tries after the first; 2 by default. Every POST carries an idempotency key, so none doubles. */
  maxRetries?: number;
  /** For tests. */
  sleep?: (ms: number) => Promise<void>;
};

export type CallOptions = {
  /**
   * Names the one thing that the call does: use your own order number, so that a repeated call,
   * also after a crash of your program, has one effect. By default a fresh random key.
   */
  idempotencyKey?: string;
  signal?: AbortSignal;
};

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | number | undefined>> | undefined;
  body?: unknown;
  options?: CallOptions | undefined;
};

export type Transport = <Answer>(call: Call) => Promise<Answer>;

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 2;
/** Doubled at each try, so that a server in trouble is not held down. */
const FIRST_PAUSE_MS = 250;
/** What a server may ask us to wait inside one call; beyond it the caller decides. */
const MAX_PAUSE_MS = 10_000;

export function createTransport(options: ClientOptions): Transport {
  const base = options.baseUrl.replace(/\/+$/, '');
  const { maxRetries = DEFAULT_RETRIES, sleep = pause } = options;
  return async function send<Answer>(call: Call): Promise<Answer> {
    const url = base + call.path + toQuery(call.query);
    const init = toInit(call, options.apiKey);
    for (let attempt = 0; ; attempt++) {
      const outcome = await tryOnce<Answer>(url, init, options, call.options?.signal);
      if (outcome.ok) return outcome.answer;
      const { error, retryAfterMs } = outcome;
      const wait = retryAfterMs ?? FIRST_PAUSE_MS * 2 ** attempt;
      const aborted = call.options?.signal?.aborted === true;
      if (!(error instanceof TemporaryError) || aborted) throw error;
      if (attempt >= maxRetries || wait > MAX_PAUSE_MS) throw error;
      await sleep(wait);
    }
  };
}

type Outcome<Answer> =
  | { ok: true; answer: Answer }
  | { ok: false; error: QuittanceError; retryAfterMs?: number | undefined };

async function tryOnce<Answer>(
  url: string,
  init: RequestInit,
  options: ClientOptions,
  signal: AbortSignal | undefined,
): Promise<Outcome<Answer>> {
  const send = options.fetch ?? fetch;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  let status: number;
  let text: string;
  let retryAfter: string | null;
  try {
    const response = await send(url, {
      ...init,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    status = response.status;
    retryAfter = response.headers.get('retry-after');
    text = await response.text();
  } catch (cause) {
    return { ok: false, error: new TemporaryError(`${url} can not be reached`, { cause }) };
  }
  const body = parseJson(text);
  // A 2xx of this server has the shape of the contract; its own tests check that.
  if (status >= 200 && status < 300 && body !== undefined) {
    return { ok: true, answer: body as Answer };
  }
  const problem = problemSchema.safeParse(body);
  const retryAfterMs = retryAfter === null ? undefined : Number(retryAfter) * 1_000;
  if (problem.success) return { ok: false, error: toError(problem.data), retryAfterMs };
  const message = `${url} answered ${status} with something else than Quittance's JSON`;
  const Kind = status >= 500 ? TemporaryError : QuittanceError;
  return { ok: false, error: new Kind(message), retryAfterMs };
}

function toInit(call: Call, apiKey: string): RequestInit {
  const headers: Record<string, string> = { authorization: `Bearer ${apiKey}` };
  if (call.method === 'POST') {
    headers['idempotency-key'] = call.options?.idempotencyKey ?? crypto.randomUUID();
  }
  if (call.body === undefined) return { method: call.method, headers };
  headers['content-type'] = 'application/json';
  return { method: call.method, headers, body: JSON.stringify(call.body) };
}

function toQuery(query: Call['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
