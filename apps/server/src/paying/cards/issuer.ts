import { fromHex, type Random, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import { KEY_BYTES } from './ntag424.ts';
import { findIssuer, insertIssuer, type IssuerRow, readIssuer } from './store.ts';

/** Who gives out a store's cards. */
export type Issuer = {
  readonly merchantId: Uuid;
  /** Stands in the link of every card of the store. */
  readonly tag: string;
  readonly key: Uint8Array;
};

const TAG_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const TAG_LENGTH = 12;
const TAG = /^[a-z2-7]{12}$/;

/** The store's issuer, made with its first card. Its key is in the database sealed only. */
export async function issuerOfStore(
  tx: Tx,
  { sealer, random }: { sealer: Sealer; random: Random },
  { merchantId, nowMs }: { merchantId: Uuid; nowMs: number },
): Promise<Issuer> {
  const known = await readIssuer(tx, merchantId);
  if (known !== undefined) return open(sealer, known);
  const key = toHex(random(new Uint8Array(KEY_BYTES)));
  const sealedKey = sealer.seal(key, contextOf(merchantId));
  await insertIssuer(tx, { merchantId, tag: newTag(random), sealedKey, nowMs });
  // Somebody else's may have been quicker: the one that is kept counts.
  const kept = await readIssuer(tx, merchantId);
  if (kept === undefined) throw new Error('the issuer was just kept');
  return open(sealer, kept);
}

/** Whose card a link belongs to; undefined when it can not be one of ours. */
export async function issuerOfTag(
  tx: Tx,
  sealer: Sealer,
  tag: string,
): Promise<Issuer | undefined> {
  const found = TAG.test(tag) ? await findIssuer(tx, tag) : undefined;
  return found === undefined ? undefined : open(sealer, found);
}

/** A chip's serial number is kept for the day that it is emptied, and for nobody else's eyes. */
export function sealUid(sealer: Sealer, cardId: Uuid, uid: Uint8Array): Uint8Array {
  return sealer.seal(toHex(uid), `card ${cardId}`);
}

export function unsealUid(sealer: Sealer, cardId: Uuid, sealed: Uint8Array): Uint8Array {
  return fromHex(sealer.unseal(sealed, `card ${cardId}`));
}

function open(sealer: Sealer, { merchantId, tag, sealedKey }: IssuerRow): Issuer {
  return { merchantId, tag, key: fromHex(sealer.unseal(sealedKey, contextOf(merchantId))) };
}

function contextOf(merchantId: Uuid): string {
  return `card issuer of ${merchantId}`;
}

function newTag(random: Random): string {
  const bytes = random(new Uint8Array(TAG_LENGTH));
  return Array.from(bytes, (byte) => TAG_LETTERS[byte % TAG_LETTERS.length]).join('');
}
