import type { UpdateCard } from '@quittance/contract';
import type { Random } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import { type Card, type CardChange, changeCard } from './card.ts';
import { type CardKeys, cardKeys } from './card-keys.ts';
import { demandLimits, newProgramming } from './create-card.ts';
import { issuerOfStore, unsealUid } from './issuer.ts';
import { lockCard, type OwnCard, updateCard } from './store.ts';

/** @throws {AppError} not_found, conflict, and as demandLimits */
export async function updateCardSettings(
  tx: Tx,
  { own, change, nowMs }: { own: OwnCard; change: UpdateCard; nowMs: number },
): Promise<Card> {
  const before = await lockExisting(tx, own);
  if (before.state === 'wiped') throw wiped();
  const limits = demandLimits(change);
  const { perPaymentMaxSats, dailyLimitSats, name, frozen } = change;
  const changed: Card = {
    ...before,
    ...(name === undefined ? {} : { name }),
    ...(perPaymentMaxSats === undefined ? {} : { perPaymentMaxMsat: limits.perPaymentMaxMsat }),
    ...(dailyLimitSats === undefined ? {} : { dailyLimitMsat: limits.dailyLimitMsat }),
    updatedAtMs: nowMs,
  };
  const type = frozen === true ? 'frozen' : 'thawed';
  const card = frozen === undefined ? changed : demand(changed, { type }, nowMs);
  await updateCard(tx, card);
  return card;
}

/**
 * Ends a card for good and gives its keys out, so that the chip can be emptied. Asked again it
 * gives the same keys.
 * @throws {AppError} not_found
 */
export async function wipeCard(
  tx: Tx,
  deps: { sealer: Sealer; random: Random },
  { own, nowMs }: { own: OwnCard; nowMs: number },
): Promise<{ card: Card; keys: (CardKeys & { uid: Uint8Array }) | null }> {
  const before = await lockExisting(tx, own);
  const card = demand(before, { type: 'wiped' }, nowMs);
  if (card !== before) await updateCard(tx, card);
  const { merchantId, chip, keyVersion: version } = card;
  if (chip === null || version === null) return { card, keys: null };
  const issuer = await issuerOfStore(tx, deps, { merchantId, nowMs });
  const uid = unsealUid(deps.sealer, card.id, chip.sealedUid);
  return { card, keys: { ...cardKeys(issuer.key, { uid, version }), uid } };
}

/**
 * Makes a new programming link; the old one is worth nothing from then on.
 * @throws {AppError} not_found, conflict once the card was tapped
 */
export async function renewProgramming(
  tx: Tx,
  { random }: { random: Random },
  { own, nowMs }: { own: OwnCard; nowMs: number },
): Promise<{ card: Card; secret: string }> {
  const before = await lockExisting(tx, own);
  if (before.state === 'wiped') throw wiped();
  if (before.counter >= 0) {
    throw new AppError('conflict', 'This card is in use already; wipe it and make another one.');
  }
  const { secret, programming } = newProgramming(random, nowMs);
  const card = { ...before, programming, updatedAtMs: nowMs };
  await updateCard(tx, card);
  return { card, secret };
}

function demand(before: Card, change: CardChange, nowMs: number): Card {
  const changed = changeCard(before, change, nowMs);
  if (typeof changed === 'string') throw wiped();
  return changed;
}

async function lockExisting(tx: Tx, own: OwnCard): Promise<Card> {
  const card = await lockCard(tx, own);
  if (card === undefined) throw noSuchCard();
  return card;
}

export function noSuchCard(): AppError {
  return new AppError('not_found', 'There is no such card.');
}

function wiped(): AppError {
  return new AppError('conflict', 'The card was wiped.');
}
