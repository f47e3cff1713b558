import { type ErrorCode, errorTable, problemSchema } from '@quittance/contract';
import { type Clock, systemClock } from '@quittance/kernel';
import { z } from 'zod';
import { startTestApi, type TestApi } from '../support/api.ts';
import { openStateReader } from '../support/state.ts';
import { startTestPostgres } from '../support/test-postgres.ts';
import { rollDice } from './fuzz/random.ts';
import { type BadRequest, badRequests, type Keys } from './fuzz/requests.ts';
import { documentSchema } from './fuzz/schema.ts';
import { openWire, type Wire, type WireAnswer } from './fuzz/wire.ts';

/** Requests between two looks at the whole database, and how many of them are under way at once. */
const BATCH = 250;
const AT_ONCE = 16;
/** Of each run's violations so many are told in full. */
const MAX_TOLD = 20;

export type FuzzResult = {
  violations: number;
  requests: number;
  byStatus: Record<string, number>;
  byCode: Record<string, number>;
  byKind: Record<string, number>;
  operations: number;
  told: string[];
};

/**
 * Bad requests, made from the API's own OpenAPI document, against the whole interface on a real
 * database. Each must be answered 4xx as problem+json with a known code, and together they must
 * leave every row of every table as it was.
 * @param options.runs how many requests
 */
export async function run(options: { runs: number; seed: number }): Promise<FuzzResult> {
  const postgres = await startTestPostgres();
  try {
    const ownerUrl = await postgres.createDatabase();
    const clock = shiftedClock();
    const api = await startTestApi({ ownerUrl, clock });
    try {
      return await fuzz(api, clock, { ...options, ownerUrl });
    } finally {
      await api.close();
    }
  } finally {
    await postgres.stop();
  }
}

type ShiftedClock = Clock & { shift(ms: number): void };

/** Lets a key expire without waiting for it. */
function shiftedClock(): ShiftedClock {
  let shiftMs = 0;
  return {
    nowMs: () => systemClock.nowMs() + shiftMs,
    shift(ms) {
      shiftMs += ms;
    },
  };
}

async function fuzz(
  api: TestApi,
  clock: ShiftedClock,
  options: { runs: number; seed: number; ownerUrl: string },
): Promise<FuzzResult> {
  const keys = await makeKeys(api, clock);
  const document = documentSchema.parse((await api.send('GET', '/v1/openapi.json')).body);
  const next = badRequests(document, keys, rollDice(options.seed));
  const wire = openWire(Number(new URL(api.baseUrl).port));
  const state = await openStateReader(options.ownerUrl);
  const tally = createTally();
  try {
    let before = JSON.stringify(await state.read());
    for (let done = 0; done < options.runs; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, options.runs - done) }, next);
      await eachAtOnce(batch, AT_ONCE, async (bad) => tally.count(bad, await trySend(wire, bad)));
      const after = JSON.stringify(await state.read());
      if (after !== before) tally.violate(`state changed:\n${before}\n${after}`, batch.length);
      before = after;
    }
    for (const error of api.errors) tally.violate(`an error was logged: ${describe(error)}`);
    return tally.result();
  } finally {
    wire.close();
    await state.close();
  }
}

const keySchema = z.object({ id: z.string(), secret: z.string() });

async function makeKeys(api: TestApi, clock: ShiftedClock): Promise<Keys> {
  const { key: merchant } = await api.createMerchant('Fuzzed');
  const make = async (name: string, more: object = {}) => {
    const body = { name, scopes: ['audit:read'], ...more };
    const made = await api.send('POST', '/v1/api-keys', { key: merchant, body });
    return keySchema.parse(made.body);
  };
  const narrow = await make('narrow');
  const revoked = await make('revoked');
  await api.send('DELETE', `/v1/api-keys/${revoked.id}`, { key: merchant });
  const expiresAt = new Date(clock.nowMs() + 60_000).toISOString();
  const expired = await make('expired', { expiresAt });
  clock.shift(60_001);
  // Something to be changed by mistake.
  const body = { amount: '5.00', currency: 'EUR' };
  await api.send('POST', '/v1/orders', { key: merchant, body });
  return {
    merchant,
    admin: api.adminKey,
    narrow: narrow.secret,
    revoked: revoked.secret,
    expired: expired.secret,
  };
}

async function trySend(wire: Wire, bad: BadRequest): Promise<WireAnswer | Error> {
  try {
    return 'wire' in bad ? await wire.send(bad.wire) : await wire.sendBytes(bad.bytes);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function createTally() {
  const byStatus: Record<string, number> = {};
  const byCode: Record<string, number> = {};
  const byKind: Record<string, number> = {};
  const operations = new Set<string>();
  const told: string[] = [];
  let violations = 0;
  let requests = 0;
  const add = (where: Record<string, number>, name: string) => {
    where[name] = (where[name] ?? 0) + 1;
  };
  function violate(what: string, weight = 1): void {
    violations += weight;
    if (told.length < MAX_TOLD) told.push(what);
  }
  return {
    violate,
    count(bad: BadRequest, answer: WireAnswer | Error): void {
      requests++;
      add(byKind, bad.kind);
      operations.add(bad.operation);
      const wrong = answer instanceof Error ? answer.message : findFault(answer);
      if (!(answer instanceof Error)) {
        add(byStatus, String(answer.status));
        const code = /"code":"(\w+)"/.exec(answer.text)?.[1];
        if (code !== undefined) add(byCode, code);
      }
      if (wrong !== undefined) violate(`${wrong}\n${describe(bad)}\n${describe(answer)}`);
    },
    result: (): FuzzResult => ({
      violations,
      requests,
      byStatus,
      byCode,
      byKind,
      operations: operations.size,
      told,
    }),
  };
}

/** What is wrong with the answer to a bad request, or undefined. */
function findFault(answer: WireAnswer): string | undefined {
  const { status, contentType, text } = answer;
  if (status >= 500) return `a ${status} for bad input`;
  if (status < 400) return `a bad request was answered ${status}`;
  if (!contentType.startsWith('application/problem+json')) return `no problem: ${contentType}`;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'the problem is no JSON';
  }
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return `no problem of the contract: ${problem.error.message}`;
  const code: ErrorCode = problem.data.code;
  if (status !== 408 && status !== 431 && errorTable[code].status !== status) {
    return `status ${status} with the code ${code}`;
  }
  return undefined;
}

function describe(what: unknown): string {
  const text = JSON.stringify(what, (_name, value: unknown) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
    return value instanceof Error ? (value.stack ?? value.message) : value;
  });
  return text.slice(0, 1_500);
}

async function eachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
