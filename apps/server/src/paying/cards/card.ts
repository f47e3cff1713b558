import type { CardState } from '@quittance/contract';
import type { Msats, Uuid } from '@quittance/kernel';

/** A chip that pays: its limits are its own, its money is the pull payment's. */
export type Card = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly pullPaymentId: Uuid;
  readonly name: string;
  readonly state: CardState;
  /** Which chip it is for; null: the first that asks for keys. */
  readonly chip: { readonly number: Uint8Array; readonly sealedUid: Uint8Array } | null;
  /** Of the keys that the chip has; null: it was given none. */
  readonly keyVersion: number | null;
  /** The chip's counter of the last reading that was taken; -1: none. */
  readonly counter: number;
  readonly perPaymentMaxMsat: Msats | null;
  readonly dailyLimitMsat: Msats | null;
  readonly programming: { readonly hash: Uint8Array; readonly expiresAtMs: number } | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly programmedAtMs: number | null;
  readonly lastTappedAtMs: number | null;
  readonly wipedAtMs: number | null;
  readonly updatedAtMs: number;
};

export type CardChange =
  /** A chip asks for keys with the programming link. */
  | {
      readonly type: 'programmed';
      readonly chip: NonNullable<Card['chip']>;
      /** Of the keys, should it be the first time. */
      readonly keyVersion: number;
    }
  | { readonly type: 'frozen' }
  | { readonly type: 'thawed' }
  | { readonly type: 'wiped' };

export type CardRejection =
  /** The link is for another chip. */
  | 'other_chip'
  /** It has paid or was tapped already: who has the keys now is who has the card. */
  | 'in_use'
  | 'wiped';

/**
 * What a change makes of a card, without any I/O. A change that says nothing new gives back the
 * same card. A wiped card never changes again.
 */
export function changeCard(card: Card, change: CardChange, nowMs: number): Card | CardRejection {
  if (change.type === 'wiped') {
    if (card.state === 'wiped') return card;
    const { programming: _dead, ...rest } = card;
    return { ...rest, programming: null, state: 'wiped', wipedAtMs: nowMs, updatedAtMs: nowMs };
  }
  if (card.state === 'wiped') return 'wiped';
  switch (change.type) {
    case 'programmed':
      return program(card, change, nowMs);
    case 'frozen':
      return card.state === 'frozen' ? card : { ...card, state: 'frozen', updatedAtMs: nowMs };
    default: {
      if (card.state !== 'frozen') return card;
      const state = card.keyVersion === null ? 'new' : 'active';
      return { ...card, state, updatedAtMs: nowMs };
    }
  }
}

/**
 * Binds the chip. Writing to a chip is often torn, so the same chip gets the same keys again until
 * it is tapped for the first time; no other chip ever does.
 */
function program(
  card: Card,
  { chip, keyVersion }: Extract<CardChange, { type: 'programmed' }>,
  nowMs: number,
): Card | CardRejection {
  const isOther = card.chip !== null && !same(card.chip.number, chip.number);
  if (isOther) return 'other_chip';
  if (card.counter >= 0) return 'in_use';
  if (card.keyVersion !== null) return card;
  return {
    ...card,
    chip: card.chip ?? chip,
    keyVersion,
    state: card.state === 'frozen' ? 'frozen' : 'active',
    programmedAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
