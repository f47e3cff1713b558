import type { Clock, Ids, Msats, Random } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import { recordEvents } from '../../telling/events/index.ts';
import {
  closedBecause,
  newWithdrawRequest,
  type PullPayment,
  readPullPaymentRow,
  TAP_K1_LIFE_MS,
  type WithdrawRefusal,
  WithdrawRefused,
  withdrawSentences,
} from '../pull-payments/index.ts';
import type { Card } from './card.ts';
import { cardKeys, cardNumber, sharedReadKey } from './card-keys.ts';
import { type Issuer, issuerOfTag } from './issuer.ts';
import { decryptPiccData, isSunMac, type PiccData, type SunMessage } from './ntag424.ts';
import { claimReplay, readCardsOfChip, takeReading } from './store.ts';
import { cardEvent } from './tell.ts';

export type TapDeps = {
  database: Pick<Database, 'asPublic'>;
  sealer: Sealer;
  clock: Clock;
  ids: Ids;
  random: Random;
};

/** A chip is programmed anew a few times in its life; older keys are nobody's any more. */
const MAX_VERSIONS = 8;

export type Tapped = { k1: string; card: Card; pull: PullPayment };

/**
 * Takes one reading of a card (a tap): genuine, newer than every one before, of a card that may
 * pay. It gives a k1 for one payment. A reading counts once, whatever comes of it: who shows a link
 * again, or two who show it at the same time, get one answer between them.
 * @param tag names the store whose card it is
 * @throws {WithdrawRefused}
 */
export async function tapCard(
  deps: TapDeps,
  { tag, message }: { tag: string; message: SunMessage | undefined },
): Promise<Tapped> {
  if (message === undefined) throw new WithdrawRefused('card_not_genuine');
  const outcome = await deps.database.asPublic((tx) => tapOnce(tx, deps, { tag, message }));
  if ('refusal' in outcome) throw new WithdrawRefused(outcome.refusal);
  return outcome;
}

/** Gives back a refusal instead of throwing it: that the reading was taken is to stay written. */
async function tapOnce(
  tx: Tx,
  deps: TapDeps,
  { tag, message }: { tag: string; message: SunMessage },
): Promise<Tapped | { refusal: WithdrawRefusal }> {
  const issuer = await issuerOfTag(tx, deps.sealer, tag);
  const found = issuer === undefined ? undefined : await findGenuine(tx, issuer, message);
  if (found === undefined) return { refusal: 'card_not_genuine' };
  const { data } = found;
  const telling = { ids: deps.ids, nowMs: deps.clock.nowMs() };
  const { nowMs } = telling;
  const refuse = async (card: Card, refusal: WithdrawRefusal) => {
    const told = { type: 'card.refused', reason: refusal, counter: data.counter } as const;
    const news = { ...told, message: withdrawSentences[refusal] };
    await recordEvents(tx, [cardEvent(card, news, telling)]);
    return { refusal };
  };
  const card = await takeReading(tx, found.card, { counter: data.counter, nowMs });
  if (card === undefined) {
    const isFirst = await claimReplay(tx, found.card);
    return isFirst ? await refuse(found.card, 'card_replayed') : { refusal: 'card_replayed' };
  }
  if (card.state === 'wiped') return await refuse(card, 'card_wiped');
  if (card.state === 'frozen') return await refuse(card, 'card_frozen');
  const { merchantId, pullPaymentId: id } = card;
  const pull = await readPullPaymentRow(tx, { merchantId, id });
  if (pull === undefined) return await refuse(card, 'card_not_genuine');
  const closed = closedBecause(pull, nowMs);
  if (closed !== null) return await refuse(card, closed);
  const tap = { cardId: card.id, counter: data.counter };
  const k1 = await newWithdrawRequest(tx, deps, { pull, tap, nowMs, lifeMs: TAP_K1_LIFE_MS });
  const news = { type: 'card.tapped', message: 'The card was tapped.' } as const;
  await recordEvents(tx, [cardEvent(card, news, telling)]);
  return { k1, card, pull };
}

/** The card whose keys made this message; undefined when none of the store's cards did. */
async function findGenuine(
  tx: Tx,
  issuer: Issuer,
  { p, c }: SunMessage,
): Promise<{ card: Card; data: PiccData } | undefined> {
  const data = decryptPiccData(p, sharedReadKey(issuer.key));
  if (data === undefined) return undefined;
  const { merchantId } = issuer;
  const number = cardNumber(issuer.key, data.uid);
  const cards = await readCardsOfChip(tx, { merchantId, number, limit: MAX_VERSIONS });
  const card = cards.find(({ keyVersion: version }) => {
    if (version === null) return false;
    return isSunMac(c, data, cardKeys(issuer.key, { uid: data.uid, version }).k2);
  });
  return card === undefined ? undefined : { card, data };
}

/**
 * What a terminal is told that the card pays at most: what is allowed at once, not what is left.
 * Whoever reads a card shall not learn its balance.
 * @param limitMsat the whole limit of the pull payment
 */
export function tapOffer(
  { card, pull }: Pick<Tapped, 'card' | 'pull'>,
  limitMsat: Msats,
): { minMsat: Msats; maxMsat: Msats } {
  const caps = [limitMsat, pull.maxDrawMsat, card.perPaymentMaxMsat, card.dailyLimitMsat];
  const maxMsat = caps.reduce<Msats>(
    (least, cap) => (cap !== null && cap < least ? cap : least),
    limitMsat,
  );
  return { minMsat: pull.minDrawMsat, maxMsat: maxMsat - (maxMsat % 1_000n) };
}
