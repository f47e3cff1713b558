import { lnurlWithScheme } from '@quittance/bitcoin';
import { fromHex, toHex } from '@quittance/kernel';
import type { Clock } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import { type Card, type CardRejection, changeCard } from './card.ts';
import { type CardKeys, cardKeys, cardNumber } from './card-keys.ts';
import { demandFreeChip, programmingHash } from './create-card.ts';
import { type Issuer, issuerOfStore, sealUid, unsealUid } from './issuer.ts';
import { lockCardByProgramming, readCardsOfChip, updateCard } from './store.ts';
import type { Random } from '@quittance/kernel';

export type ProgramDeps = {
  database: Pick<Database, 'asPublic'>;
  sealer: Sealer;
  clock: Clock;
  random: Random;
  publicUrl: string;
};

/** More than a chip is programmed anew in its life. */
const MAX_VERSIONS = 1_000;

/** What the programmer app writes to a chip (Boltcard, DEEPLINK.md). */
export type Programmed = { card: Card; lnurlwBase: string; keys: CardKeys };

/**
 * Gives the keys for one chip, by the secret of the card's programming link. The first chip that
 * asks is bound to the card; from its first tap on nobody gets them any more.
 * @param uid as the app reads it from the chip; undefined: of a card that was made for one chip
 * @throws {AppError} not_found, conflict
 */
export async function programCard(
  deps: ProgramDeps,
  { secret, uid }: { secret: string; uid: string | undefined },
): Promise<Programmed> {
  const hash = programmingHash(secret);
  if (hash === undefined) throw noSuchLink();
  return await deps.database.asPublic((tx) => programOnce(tx, deps, { hash, uid }));
}

async function programOnce(
  tx: Tx,
  deps: ProgramDeps,
  { hash, uid: text }: { hash: Uint8Array; uid: string | undefined },
): Promise<Programmed> {
  const { sealer } = deps;
  const nowMs = deps.clock.nowMs();
  const before = await lockCardByProgramming(tx, hash);
  const ends = before?.programming?.expiresAtMs;
  if (before === undefined || ends === undefined || nowMs >= ends) throw noSuchLink();
  const { merchantId, id: cardId } = before;
  const issuer = await issuerOfStore(tx, deps, { merchantId, nowMs });
  const uid = text === undefined ? boundUid(sealer, before) : fromHex(text);
  const number = cardNumber(issuer.key, uid);
  await demandFreeChip(tx, { merchantId, number, cardId });
  const chip = { number, sealedUid: sealUid(sealer, cardId, uid) };
  const keyVersion = await nextVersion(tx, { merchantId, number });
  const card = demand(changeCard(before, { type: 'programmed', chip, keyVersion }, nowMs));
  if (card !== before) await updateCard(tx, card);
  const version = card.keyVersion ?? keyVersion;
  return {
    card,
    lnurlwBase: lnurlWithScheme(cardUrl(deps.publicUrl, issuer), 'withdraw'),
    keys: cardKeys(issuer.key, { uid, version }),
  };
}

/** What stands in the links of all cards of a store; the chip adds `p` and `c`. */
export function cardUrl(publicUrl: string, { tag }: Pick<Issuer, 'tag'>): string {
  return `${publicUrl}/boltcard/${tag}`;
}

/** As the programmer app reads them. */
export function hexKeys({ k0, k1, k2, k3, k4 }: CardKeys) {
  return { k0: toHex(k0), k1: toHex(k1), k2: toHex(k2), k3: toHex(k3), k4: toHex(k4) };
}

/** Old links of a chip must not work with its new keys, whose counter begins anew. */
async function nextVersion(
  tx: Tx,
  of: { merchantId: Card['merchantId']; number: Uint8Array },
): Promise<number> {
  const [newest] = (await readCardsOfChip(tx, { ...of, limit: MAX_VERSIONS })).filter(
    ({ keyVersion }) => keyVersion !== null,
  );
  return (newest?.keyVersion ?? 0) + 1;
}

function boundUid(sealer: Sealer, { id, chip }: Card): Uint8Array {
  if (chip !== null) return unsealUid(sealer, id, chip.sealedUid);
  throw new AppError('invalid_request', 'Send the serial number of the chip as UID.');
}

function demand(changed: Card | CardRejection): Card {
  switch (changed) {
    case 'other_chip':
      throw new AppError('conflict', 'This link is for another chip.');
    case 'in_use':
      throw new AppError('conflict', 'This card is in use already; make another one.');
    case 'wiped':
      throw new AppError('conflict', 'This card was wiped; make another one.');
    default:
      return changed;
  }
}

function noSuchLink(): AppError {
  return new AppError('not_found', 'This programming link is not valid any more. Make a new one.');
}
