import { createHash } from 'node:crypto';
import type { CreatePullPayment, PayoutPolicy } from '@quittance/contract';
import {
  type Clock,
  divide,
  type Ids,
  MSATS_PER_SAT,
  type Random,
  type Uuid,
} from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { fiatToSats, isFiatCurrency, type Quote } from '../../receiving/rates/index.ts';
import type { PullPayment } from './pull-payment.ts';
import { insertPullPayment } from './store.ts';
import { demandMsat, type Limit, readLimit } from './units.ts';

export type CreateDeps = {
  clock: Clock;
  ids: Ids;
  random: Random;
  readPolicy(tx: Tx, merchantId: Uuid): Promise<PayoutPolicy>;
};

export type NewPullPayment = Omit<CreatePullPayment, 'link'> & {
  merchantId: Uuid;
  /** The key that makes it: `key:<id>`. It has the right to approve payouts. */
  createdBy: string;
  link: boolean;
  /** Of the limit's currency, asked for before the transaction; null for bitcoin. */
  quote: Quote | null;
};

/** 256 bits: nobody guesses a link, and a plain hash of it is as good as a slow one. */
const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** Most wallets know whole satoshis only. */
const DEFAULT_MIN_MSAT = MSATS_PER_SAT;

/**
 * Makes a pull payment. Draws from it are paid without asking again, so it needs the approvals that
 * the store's policy asks for a payout of its whole limit: of these, one is its maker's.
 * @returns with the secret of its link, which is kept nowhere else
 * @throws {AppError} invalid_amount, unknown_currency, amount_too_large, invalid_request
 */
export async function createPullPayment(
  tx: Tx,
  deps: CreateDeps,
  input: NewPullPayment,
): Promise<{ pull: PullPayment; secret: string | null }> {
  const nowMs = deps.clock.nowMs();
  const limit = demandLimit(input);
  const terms = demandTerms(input, nowMs);
  const policy = await deps.readPolicy(tx, input.merchantId);
  const approvalsNeeded = approvalsFor(limitSats(limit, input.quote), policy);
  const own = policy.creatorMayApprove ? [{ by: input.createdBy, atMs: nowMs }] : [];
  const secret = input.link ? newSecret(deps.random) : null;
  const pull: PullPayment = {
    merchantId: input.merchantId,
    id: deps.ids.next(),
    name: input.name,
    description: input.description ?? null,
    state: own.length >= approvalsNeeded ? 'active' : 'awaiting_approval',
    currency: limit.currency,
    limitUnits: limit.units,
    period: input.period ?? null,
    ...terms,
    linkHash: secret === null ? null : hashOf(secret),
    approvalsNeeded,
    approvals: own,
    createdBy: input.createdBy,
    createdAtMs: nowMs,
    archivedAtMs: null,
    updatedAtMs: nowMs,
  };
  await insertPullPayment(tx, pull);
  return { pull, secret };
}

export function newSecret(random: Random): string {
  return Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64url');
}

/** The hash that a link is found by; undefined when it can not be one. */
export function linkHash(secret: string): Uint8Array | undefined {
  return SECRET.test(secret) ? hashOf(secret) : undefined;
}

export function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}

/** The currency whose rate is needed before a pull payment can be made; null for bitcoin or nonsense. */
export function fiatOfLimit(currency: string) {
  return isFiatCurrency(currency) ? currency : null;
}

/** As many as the strictest rule asks for a payout of so much; one where there is none. */
function approvalsFor(sats: bigint, { approvalRules }: PayoutPolicy): number {
  const asked = approvalRules
    .filter(({ aboveSats }) => sats > BigInt(aboveSats))
    .map(({ approvals }) => approvals);
  return Math.max(1, ...asked);
}

function limitSats({ currency, units }: Limit, quote: Quote | null): bigint {
  if (currency === 'BTC') return divide(units, MSATS_PER_SAT, 'up');
  if (quote === null || quote.currency !== currency) {
    throw new AppError('unknown_currency', `The currency ${currency} has no exchange rate here.`);
  }
  return fiatToSats(units, quote.currency, quote);
}

function demandLimit({ amount, currency }: NewPullPayment): Limit {
  const read = readLimit(amount, currency);
  if (read.ok) return read.limit;
  const code = read.field === 'currency' ? 'unknown_currency' : 'invalid_amount';
  throw new AppError(code, `The limit can not be used: ${read.reason}.`, {
    fields: [{ pointer: `/${read.field}`, detail: read.reason }],
  });
}

function demandTerms(input: NewPullPayment, nowMs: number) {
  const startsAtMs = input.startsAt === undefined ? nowMs : Date.parse(input.startsAt);
  const expiresAtMs = typeof input.expiresAt === 'string' ? Date.parse(input.expiresAt) : null;
  if (expiresAtMs !== null && (expiresAtMs <= startsAtMs || expiresAtMs <= nowMs)) {
    throw refuse('/expiresAt', 'write a time after the beginning');
  }
  const { minDrawSats, maxDrawSats } = input;
  const minDrawMsat =
    minDrawSats === undefined ? DEFAULT_MIN_MSAT : demandMsat(minDrawSats, '/minDrawSats');
  const maxDrawMsat = maxDrawSats === undefined ? null : demandMsat(maxDrawSats, '/maxDrawSats');
  if (maxDrawMsat !== null && maxDrawMsat < minDrawMsat) {
    throw refuse('/maxDrawSats', 'must not be less than minDrawSats');
  }
  return { startsAtMs, expiresAtMs, minDrawMsat, maxDrawMsat };
}

function refuse(pointer: string, detail: string): AppError {
  return new AppError('invalid_request', `${pointer}: ${detail}.`, {
    fields: [{ pointer, detail }],
  });
}
