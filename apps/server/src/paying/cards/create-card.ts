import { createHash } from 'node:crypto';
import type { CreateCard } from '@quittance/contract';
import {
  type Clock,
  fromHex,
  type Ids,
  type Msats,
  type Random,
  type Uuid,
} from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import type { Quote } from '../../receiving/rates/index.ts';
import {
  createPullPayment,
  demandMsat,
  type PullPaymentRouteDeps,
  readPullPaymentRow,
} from '../pull-payments/index.ts';
import type { Card } from './card.ts';
import { cardNumber } from './card-keys.ts';
import { issuerOfStore, sealUid } from './issuer.ts';
import { insertCard, readCardsOfChip } from './store.ts';

export type CardDeps = {
  clock: Clock;
  ids: Ids;
  random: Random;
  sealer: Sealer;
  readPolicy: PullPaymentRouteDeps['readPolicy'];
};

/** 256 bits: nobody guesses a link, and a plain hash of it is as good as a slow one. */
const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** Somebody makes the link and lays the card on a telephone; a link that gives out keys ends soon. */
export const PROGRAMMING_LIFE_MS = 3_600_000;

export type NewCard = CreateCard & {
  merchantId: Uuid;
  createdBy: string;
  /** Of the currency of a balance of its own; null for bitcoin or none. */
  quote: Quote | null;
};

/**
 * Makes a card, with a balance of its own where no pull payment is named.
 * @returns with the secret of its programming link, which is kept nowhere else
 * @throws {AppError} not_found, conflict, invalid_request, and as createPullPayment
 */
export async function createCard(
  tx: Tx,
  deps: CardDeps,
  input: NewCard,
): Promise<{ card: Card; secret: string }> {
  const { merchantId, createdBy } = input;
  const nowMs = deps.clock.nowMs();
  const limits = demandLimits(input);
  const pullPaymentId = await sourceOf(tx, deps, input);
  const id = deps.ids.next();
  const chip = await chipOf(tx, deps, input, { id, nowMs });
  const link = newProgramming(deps.random, nowMs);
  const card: Card = {
    merchantId,
    id,
    pullPaymentId,
    name: input.name,
    state: 'new',
    chip,
    keyVersion: null,
    counter: -1,
    ...limits,
    programming: link.programming,
    createdBy,
    createdAtMs: nowMs,
    programmedAtMs: null,
    lastTappedAtMs: null,
    wipedAtMs: null,
    updatedAtMs: nowMs,
  };
  await insertCard(tx, card);
  return { card, secret: link.secret };
}

export function newProgramming(
  random: Random,
  nowMs: number,
): { secret: string; programming: NonNullable<Card['programming']> } {
  const secret = Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64url');
  return {
    secret,
    programming: { hash: hashOf(secret), expiresAtMs: nowMs + PROGRAMMING_LIFE_MS },
  };
}

/** The hash that a programming link is found by; undefined when it can not be one. */
export function programmingHash(secret: string): Uint8Array | undefined {
  return SECRET.test(secret) ? hashOf(secret) : undefined;
}

/** @throws {AppError} conflict where the chip is another card that is in use */
export async function demandFreeChip(
  tx: Tx,
  of: { merchantId: Uuid; number: Uint8Array; cardId: Uuid },
): Promise<void> {
  const [newest] = (await readCardsOfChip(tx, { ...of, limit: 2 })).filter(
    ({ id, state }) => id !== of.cardId && state !== 'wiped',
  );
  if (newest === undefined) return;
  throw new AppError('conflict', `This chip is the card “${newest.name}”; wipe that card first.`);
}

export function demandLimits(input: Pick<CreateCard, 'perPaymentMaxSats' | 'dailyLimitSats'>): {
  perPaymentMaxMsat: Msats | null;
  dailyLimitMsat: Msats | null;
} {
  const { perPaymentMaxSats: each, dailyLimitSats: daily } = input;
  return {
    perPaymentMaxMsat: maybeMsat(each ?? null, '/perPaymentMaxSats'),
    dailyLimitMsat: maybeMsat(daily ?? null, '/dailyLimitSats'),
  };
}

function maybeMsat(sats: string | null, pointer: string): Msats | null {
  return sats === null ? null : demandMsat(sats, pointer);
}

async function sourceOf(tx: Tx, deps: CardDeps, input: NewCard): Promise<Uuid> {
  const { merchantId, pullPaymentId, balance, quote, createdBy } = input;
  if ((pullPaymentId === undefined) === (balance === undefined)) {
    throw new AppError('invalid_request', 'Send either pullPaymentId or balance.', {
      fields: [{ pointer: '/balance', detail: 'either this or pullPaymentId' }],
    });
  }
  if (balance !== undefined) {
    const wish = { ...balance, name: input.name, link: false };
    const made = await createPullPayment(tx, deps, { ...wish, merchantId, createdBy, quote });
    return made.pull.id;
  }
  const pull =
    pullPaymentId === undefined
      ? undefined
      : await readPullPaymentRow(tx, { merchantId, id: pullPaymentId });
  if (pull === undefined) throw new AppError('not_found', 'There is no such pull payment.');
  if (pull.state === 'archived') throw new AppError('conflict', 'The pull payment has ended.');
  return pull.id;
}

async function chipOf(
  tx: Tx,
  deps: CardDeps,
  { merchantId, uid: text }: NewCard,
  { id, nowMs }: { id: Uuid; nowMs: number },
): Promise<Card['chip']> {
  const issuer = await issuerOfStore(tx, deps, { merchantId, nowMs });
  if (text === undefined) return null;
  const uid = fromHex(text);
  const number = cardNumber(issuer.key, uid);
  await demandFreeChip(tx, { merchantId, number, cardId: id });
  return { number, sealedUid: sealUid(deps.sealer, id, uid) };
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
