import type { CardState } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Card } from './card.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  pull_payment_id: Uuid;
  name: string;
  state: CardState;
  number: Buffer | null;
  sealed_uid: Buffer | null;
  key_version: number | null;
  counter: number;
  per_payment_max_msat: bigint | null;
  daily_limit_msat: bigint | null;
  program_hash: Buffer | null;
  program_expires_at: Date | null;
  created_by: string;
  created_at: Date;
  programmed_at: Date | null;
  last_tapped_at: Date | null;
  wiped_at: Date | null;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, pull_payment_id, name, state, number, sealed_uid, key_version,
  counter, per_payment_max_msat, daily_limit_msat, program_hash, program_expires_at, created_by,
  created_at, programmed_at, last_tapped_at, wiped_at, updated_at`;

function cardOf(row: Row): Card {
  const { number, sealed_uid: sealedUid, program_hash: hash, program_expires_at: ends } = row;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    pullPaymentId: row.pull_payment_id,
    name: row.name,
    state: row.state,
    chip:
      number === null || sealedUid === null
        ? null
        : { number: new Uint8Array(number), sealedUid: new Uint8Array(sealedUid) },
    keyVersion: row.key_version,
    counter: row.counter,
    perPaymentMaxMsat: row.per_payment_max_msat,
    dailyLimitMsat: row.daily_limit_msat,
    programming:
      hash === null || ends === null
        ? null
        : { hash: new Uint8Array(hash), expiresAtMs: ends.getTime() },
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    programmedAtMs: row.programmed_at?.getTime() ?? null,
    lastTappedAtMs: row.last_tapped_at?.getTime() ?? null,
    wipedAtMs: row.wiped_at?.getTime() ?? null,
    updatedAtMs: row.updated_at.getTime(),
  };
}

export async function insertCard(tx: Tx, card: Card): Promise<void> {
  await tx.query(
    `INSERT INTO card (${COLUMNS}, replay_told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
            $11, $12, $13, $14, $15, $16, $17, $18, $19, false)`,
    [
      card.merchantId,
      card.id,
      card.pullPaymentId,
      card.name,
      card.state,
      card.chip?.number ?? null,
      card.chip?.sealedUid ?? null,
      card.keyVersion,
      card.counter,
      card.perPaymentMaxMsat,
      card.dailyLimitMsat,
      card.programming?.hash ?? null,
      dateOf(card.programming?.expiresAtMs ?? null),
      card.createdBy,
      new Date(card.createdAtMs),
      dateOf(card.programmedAtMs),
      dateOf(card.lastTappedAtMs),
      dateOf(card.wipedAtMs),
      new Date(card.updatedAtMs),
    ],
  );
}

/** Writes what changes in the life of a card, but for its counter; the caller holds its lock. */
export async function updateCard(tx: Tx, card: Card): Promise<void> {
  const written = await tx.query(
    `UPDATE card SET name = $3, state = $4, number = $5, sealed_uid = $6, key_version = $7,
            per_payment_max_msat = $8, daily_limit_msat = $9, program_hash = $10,
            program_expires_at = $11, programmed_at = $12, wiped_at = $13, updated_at = $14
      WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS written`,
    [
      card.merchantId,
      card.id,
      card.name,
      card.state,
      card.chip?.number ?? null,
      card.chip?.sealedUid ?? null,
      card.keyVersion,
      card.perPaymentMaxMsat,
      card.dailyLimitMsat,
      card.programming?.hash ?? null,
      dateOf(card.programming?.expiresAtMs ?? null),
      dateOf(card.programmedAtMs),
      dateOf(card.wipedAtMs),
      new Date(card.updatedAtMs),
    ],
  );
  assert(written.length === 1, 'a card that is locked is there');
}

/** A card of a merchant: one that is another merchant's is not found. */
export type OwnCard = { merchantId: Uuid; id: Uuid };

export async function readCardRow(tx: Tx, own: OwnCard): Promise<Card | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM card WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : cardOf(row);
}

export async function lockCard(tx: Tx, own: OwnCard): Promise<Card | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM card WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : cardOf(row);
}

/** By the hash of its programming link's secret, whosever it is; locked. */
export async function lockCardByProgramming(tx: Tx, hash: Uint8Array): Promise<Card | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM card WHERE program_hash = $1 FOR NO KEY UPDATE`,
    [hash],
  );
  return row === undefined ? undefined : cardOf(row);
}

/** The cards that a chip has been, the newest first. */
export async function readCardsOfChip(
  tx: Tx,
  of: { merchantId: Uuid; number: Uint8Array; limit: number },
): Promise<Card[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM card WHERE merchant_id = $1 AND number = $2
      ORDER BY key_version DESC NULLS LAST LIMIT $3`,
    [of.merchantId, of.number, of.limit],
  );
  return rows.map(cardOf);
}

/**
 * Takes a reading, if it is newer than every one before: of two that come with one counter, one
 * wins. With the first reading the programming link is over.
 * @returns the card as it is now; undefined when the reading is not new
 */
export async function takeReading(
  tx: Tx,
  own: OwnCard,
  reading: { counter: number; nowMs: number },
): Promise<Card | undefined> {
  const row = await tx.maybe<Row>(
    `UPDATE card SET counter = $3, last_tapped_at = $4, updated_at = $4, replay_told = false,
            program_hash = NULL, program_expires_at = NULL
      WHERE merchant_id = $1 AND id = $2 AND counter < $3 RETURNING ${COLUMNS}`,
    [own.merchantId, own.id, reading.counter, new Date(reading.nowMs)],
  );
  return row === undefined ? undefined : cardOf(row);
}

/** @returns whether it is the first replay since the last good reading */
export async function claimReplay(tx: Tx, own: OwnCard): Promise<boolean> {
  const claimed = await tx.maybe(
    `UPDATE card SET replay_told = true WHERE merchant_id = $1 AND id = $2 AND NOT replay_told
     RETURNING 1 AS claimed`,
    [own.merchantId, own.id],
  );
  return claimed !== undefined;
}

export type CardFilter = {
  merchantId: Uuid;
  startingAfter?: Uuid | undefined;
  limit: number;
  state?: CardState | undefined;
};

/** A merchant's cards, the newest first. */
export async function readCardRows(tx: Tx, filter: CardFilter): Promise<Card[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM card
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR state = $4)
      ORDER BY id DESC LIMIT $2`,
    [filter.merchantId, filter.limit, filter.startingAfter ?? null, filter.state ?? null],
  );
  return rows.map(cardOf);
}

export type IssuerRow = { merchantId: Uuid; tag: string; sealedKey: Uint8Array };
type IssuerColumns = { merchant_id: Uuid; tag: string; sealed_key: Buffer };

/** Keeps the store's issuer if it has none yet. */
export async function insertIssuer(tx: Tx, issuer: IssuerRow & { nowMs: number }): Promise<void> {
  await tx.query(
    `INSERT INTO card_issuer (merchant_id, tag, sealed_key, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (merchant_id) DO NOTHING`,
    [issuer.merchantId, issuer.tag, issuer.sealedKey, new Date(issuer.nowMs)],
  );
}

export async function readIssuer(tx: Tx, merchantId: Uuid): Promise<IssuerRow | undefined> {
  const row = await tx.maybe<IssuerColumns>(
    'SELECT merchant_id, tag, sealed_key FROM card_issuer WHERE merchant_id = $1',
    [merchantId],
  );
  return row === undefined ? undefined : issuerOf(row);
}

/** Whose cards have this tag in their links. */
export async function findIssuer(tx: Tx, tag: string): Promise<IssuerRow | undefined> {
  const row = await tx.maybe<IssuerColumns>(
    'SELECT merchant_id, tag, sealed_key FROM card_issuer WHERE tag = $1',
    [tag],
  );
  return row === undefined ? undefined : issuerOf(row);
}

function issuerOf(row: IssuerColumns): IssuerRow {
  const { merchant_id: merchantId, tag, sealed_key: sealedKey } = row;
  return { merchantId, tag, sealedKey: new Uint8Array(sealedKey) };
}
