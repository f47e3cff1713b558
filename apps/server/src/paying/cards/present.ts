import type { Card as CardJson, CardProgramming, WipedCard } from '@quittance/contract';
import { assert, toHex } from '@quittance/kernel';
import QRCode from 'qrcode';
import type { Tx } from '../../platform/db/index.ts';
import {
  dayAt,
  pullPaymentsJson,
  readAllowances,
  readPullPaymentsById,
} from '../pull-payments/index.ts';
import type { Card } from './card.ts';
import type { CardKeys } from './card-keys.ts';
import { hexKeys } from './program-card.ts';

/** Cards of one merchant as they are answered, with what is left of each at this moment. */
export async function cardsJson(
  tx: Tx,
  cards: readonly Card[],
  nowMs: number,
): Promise<CardJson[]> {
  const [first] = cards;
  if (first === undefined) return [];
  const { merchantId } = first;
  const ids = [...new Set(cards.map(({ pullPaymentId }) => pullPaymentId))];
  const pulls = await readPullPaymentsById(tx, { merchantId, ids });
  const shown = await pullPaymentsJson(tx, [...pulls.values()], nowMs);
  const periodStartMs = dayAt(nowMs).startMs;
  const days = cards.map(({ id: holderId }) => ({ merchantId, holderId, periodStartMs }));
  const used = await readAllowances(tx, days);
  return cards.map((card) => {
    const pullPayment = shown.find(({ id }) => id === card.pullPaymentId);
    assert(pullPayment !== undefined, 'a card has its pull payment');
    return cardJson(card, pullPayment, used.get(card.id) ?? 0n);
  });
}

function cardJson(
  card: Card,
  pullPayment: CardJson['pullPayment'],
  usedTodayMsat: bigint,
): CardJson {
  return {
    id: card.id,
    merchantId: card.merchantId,
    name: card.name,
    state: card.state,
    pullPayment,
    perPaymentMaxSats: maybeSats(card.perPaymentMaxMsat),
    dailyLimitSats: maybeSats(card.dailyLimitMsat),
    usedTodayMsat: usedTodayMsat.toString(),
    lastCounter: card.counter < 0 ? null : card.counter,
    createdBy: card.createdBy,
    createdAt: timeText(card.createdAtMs),
    programmedAt: maybeTime(card.programmedAtMs),
    lastTappedAt: maybeTime(card.lastTappedAtMs),
    wipedAt: maybeTime(card.wipedAtMs),
    updatedAt: timeText(card.updatedAtMs),
  };
}

export async function programmingJson(
  publicUrl: string,
  card: Card,
  secret: string,
): Promise<CardProgramming> {
  assert(card.programming !== null, 'a card with a programming link');
  const url = `${publicUrl}/boltcard/program/${secret}`;
  const deepLink = `boltcard://program?url=${encodeURIComponent(url)}`;
  const qrCode = await QRCode.toDataURL(deepLink);
  return { url, deepLink, qrCode, expiresAt: timeText(card.programming.expiresAtMs) };
}

/** The keys as the programmer app takes them to empty a chip. */
export async function wipedJson(
  card: CardJson,
  keys: (CardKeys & { uid: Uint8Array }) | null,
): Promise<WipedCard> {
  if (keys === null) return { card, keys: null, qrCode: null };
  const shown = { uid: toHex(keys.uid), ...hexKeys(keys) };
  const qrCode = await QRCode.toDataURL(JSON.stringify({ version: 1, action: 'wipe', ...shown }));
  return { card, keys: shown, qrCode };
}

/** Limits are made of whole satoshis. */
function maybeSats(msat: bigint | null): string | null {
  return msat === null ? null : (msat / 1_000n).toString();
}

function maybeTime(ms: number | null): string | null {
  return ms === null ? null : timeText(ms);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
