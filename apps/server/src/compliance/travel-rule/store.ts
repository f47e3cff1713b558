import {
  type Ivms101,
  type TravelSettings,
  type TravelState,
  travelSettingsInputSchema,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { TravelTransfer } from './transfer.ts';

export type OwnTransfer = { merchantId: Uuid; id: Uuid };

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  direction: 'out' | 'in';
  counterparty: 'vasp' | 'self_hosted';
  state: TravelState;
  payout_id: Uuid | null;
  amount_sats: bigint;
  address: string | null;
  message: Ivms101 | null;
  remote_url: string | null;
  callback_token: string | null;
  request_id: string;
  txid: string | null;
  reason: string | null;
  proof: TravelTransfer['proof'];
  decided_by: string | null;
  created_by: string;
  created_at: Date;
  updated_at: Date;
  version: number;
};

const COLUMNS = `merchant_id, id, direction, counterparty, payout_id, amount_sats, message,
  callback_token, request_id, created_by, created_at, state, address, remote_url, txid, reason, proof,
  decided_by, updated_at, version`;

/** @returns false when a request of this number was there before */
export async function insertTransfer(tx: Tx, each: TravelTransfer): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO travel_transfer (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
       $12, $13, $14, $15, $16, $17, $18, $19, $20)
     ON CONFLICT (merchant_id, direction, request_id) DO NOTHING RETURNING id`,
    [
      ...[each.merchantId, each.id, each.direction, each.counterparty, each.payoutId],
      each.amountSats,
      each.message === null ? null : JSON.stringify(each.message),
      ...[each.callbackToken, each.requestId, each.createdBy, new Date(each.createdAtMs)],
      ...changing(each),
    ],
  );
  return rows.length === 1;
}

export async function updateTransfer(tx: Tx, each: TravelTransfer): Promise<void> {
  const rows = await tx.query(
    `UPDATE travel_transfer SET state = $3, address = $4, remote_url = $5, txid = $6, reason = $7,
            proof = $8, decided_by = $9, updated_at = $10, version = $11
      WHERE merchant_id = $1 AND id = $2 AND version = $11 - 1 RETURNING id`,
    [each.merchantId, each.id, ...changing(each)],
  );
  assert(rows.length === 1, 'an exchange is written by who holds its lock');
}

function changing(each: TravelTransfer): unknown[] {
  return [
    ...[each.state, each.address, each.remoteUrl, each.txid, each.reason],
    each.proof === null ? null : JSON.stringify(each.proof),
    ...[each.decidedBy, new Date(each.updatedAtMs), each.version],
  ];
}

export async function readTransferRow(
  tx: Tx,
  { merchantId, id }: OwnTransfer,
): Promise<TravelTransfer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM travel_transfer WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
  return row === undefined ? undefined : transferOf(row);
}

export async function lockTransfer(
  tx: Tx,
  { merchantId, id }: OwnTransfer,
): Promise<TravelTransfer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM travel_transfer WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [merchantId, id],
  );
  return row === undefined ? undefined : transferOf(row);
}

/** For the other side, which knows the token only. Call it in asPublic. */
export async function lockByToken(tx: Tx, token: string): Promise<TravelTransfer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM travel_transfer WHERE callback_token = $1 FOR NO KEY UPDATE`,
    [token],
  );
  return row === undefined ? undefined : transferOf(row);
}

export async function readTransferRows(
  tx: Tx,
  filter: {
    merchantId: Uuid;
    state: TravelState | undefined;
    payoutId: string | undefined;
    startingAfter: string | undefined;
    limit: number;
  },
): Promise<TravelTransfer[]> {
  const { merchantId, state, payoutId, startingAfter, limit } = filter;
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM travel_transfer
      WHERE merchant_id = $1 AND ($2::text IS NULL OR state = $2)
        AND ($3::uuid IS NULL OR payout_id = $3) AND ($4::uuid IS NULL OR id < $4)
      ORDER BY id DESC LIMIT $5`,
    [merchantId, state ?? null, payoutId ?? null, startingAfter ?? null, limit],
  );
  return rows.map(transferOf);
}

/** The exchanges that count for these payouts. */
export async function readTransfersOfPayouts(
  tx: Tx,
  { merchantId, payoutIds }: { merchantId: Uuid; payoutIds: readonly string[] },
): Promise<TravelTransfer[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM travel_transfer
      WHERE merchant_id = $1 AND payout_id = ANY ($2::uuid[])
        AND state NOT IN ('rejected', 'cancelled')`,
    [merchantId, payoutIds],
  );
  return rows.map(transferOf);
}

/** @param most it is not counted further than that */
export async function countReceived(tx: Tx, merchantId: Uuid, most: number): Promise<number> {
  const row = await tx.one<{ count: number }>(
    `SELECT count(*)::int AS count FROM (SELECT 1 FROM travel_transfer
      WHERE merchant_id = $1 AND state = 'received' LIMIT $2) waiting`,
    [merchantId, most],
  );
  return row.count;
}

export type PayoutFacts = { destination: string; amountSats: bigint; method: string };

export async function readPayoutFacts(
  tx: Tx,
  { merchantId, id }: { merchantId: Uuid; id: string },
): Promise<PayoutFacts | undefined> {
  const row = await tx.maybe<{ destination: string; amount_sats: bigint; method: string }>(
    'SELECT destination, amount_sats, method FROM payout WHERE merchant_id = $1 AND id = $2',
    [merchantId, id],
  );
  if (row === undefined) return undefined;
  return { destination: row.destination, amountSats: row.amount_sats, method: row.method };
}

/** A price that is older says nothing of a payout of today. */
const PRICE_AGE = "interval '24 hours'";

/**
 * The last price in a currency that an order of the store was made at: smallest units for so many
 * satoshis. undefined: there is no fresh one.
 */
export async function readLastPrice(
  tx: Tx,
  given: { merchantId: Uuid; currency: string; nowMs: number },
): Promise<{ minor: bigint; sats: bigint } | undefined> {
  const row = await tx.maybe<{ minor: bigint; sats: bigint }>(
    `SELECT price_minor AS minor, due_sats AS sats FROM orders
      WHERE merchant_id = $1 AND price_currency = $2
        AND created_at > $3::timestamptz - ${PRICE_AGE} AND created_at <= $3
      ORDER BY id DESC LIMIT 1`,
    [given.merchantId, given.currency, new Date(given.nowMs)],
  );
  return row;
}

export type StoredSettings = {
  settings: TravelSettings;
  inboundToken: string;
  updatedAt: Date;
  updatedBy: string;
};
type SettingsRow = {
  settings: unknown;
  inbound_token: string;
  updated_at: Date;
  updated_by: string;
};

export async function readSettingsRow(
  tx: Tx,
  merchantId: Uuid,
): Promise<StoredSettings | undefined> {
  const row = await tx.maybe<SettingsRow>(
    `SELECT settings, inbound_token, updated_at, updated_by FROM travel_rule_settings
      WHERE merchant_id = $1`,
    [merchantId],
  );
  return row === undefined ? undefined : settingsOf(row);
}

/** For the other side, which knows the token only. Call it in asPublic. */
export async function findMerchantByToken(tx: Tx, token: string): Promise<Uuid | undefined> {
  const row = await tx.maybe<{ merchant_id: Uuid }>(
    'SELECT merchant_id FROM travel_rule_settings WHERE inbound_token = $1',
    [token],
  );
  return row?.merchant_id;
}

export async function writeSettings(
  tx: Tx,
  given: {
    merchantId: Uuid;
    settings: TravelSettings;
    newToken: string;
    nowMs: number;
    by: string;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO travel_rule_settings (merchant_id, settings, inbound_token, updated_at, updated_by)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (merchant_id) DO UPDATE SET settings = $2, updated_at = $4, updated_by = $5`,
    [
      ...[given.merchantId, JSON.stringify(given.settings), given.newToken],
      ...[new Date(given.nowMs), given.by],
    ],
  );
}

function settingsOf(row: SettingsRow): StoredSettings {
  const settings = travelSettingsInputSchema.parse(row.settings);
  const { inbound_token: inboundToken, updated_at: updatedAt, updated_by: updatedBy } = row;
  return { settings, inboundToken, updatedAt, updatedBy };
}

function transferOf(row: Row): TravelTransfer {
  return {
    ...{ merchantId: row.merchant_id, id: row.id, direction: row.direction },
    ...{ counterparty: row.counterparty, state: row.state, payoutId: row.payout_id },
    ...{ amountSats: row.amount_sats, address: row.address, message: row.message },
    ...{ remoteUrl: row.remote_url, callbackToken: row.callback_token, requestId: row.request_id },
    ...{ txid: row.txid, reason: row.reason, proof: row.proof, decidedBy: row.decided_by },
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
    version: row.version,
  };
}
