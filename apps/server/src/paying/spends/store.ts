import { displayHash, parseHash } from '@quittance/bitcoin';
import type { Sats, Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import { outpointBytes, outpointText, readOutpoint, splitOutpoint } from './outpoints.ts';
import type {
  Approval,
  FeeFrom,
  PayoutOutput,
  Spend,
  SpendKind,
  SpendReason,
  SpendState,
  SpendVersion,
  VersionState,
} from './spend.ts';

/** A spend with all its transactions, locked or as it was when read. */
export type StoredSpend = {
  readonly spend: Spend;
  readonly versions: readonly SpendVersion[];
  readonly outputs: readonly PayoutOutput[];
};

type SpendRow = {
  merchant_id: Uuid;
  id: Uuid;
  wallet_id: Uuid;
  kind: SpendKind;
  origin: Spend['origin'];
  state: SpendState;
  anchor_txid: Buffer;
  anchor_vout: number;
  version: number;
  ledger_epoch: number;
  booked_version: number | null;
  due_at: Date | null;
  attempts: number;
  reason: SpendReason | null;
  detail: string | null;
  height: number | null;
  block_hash: Buffer | null;
  max_fee_rate: bigint;
  max_fee_share_bps: number | null;
  created_at: Date;
};

const SPEND_COLUMNS = `merchant_id, id, wallet_id, kind, origin, state, anchor_txid, anchor_vout,
  version, ledger_epoch, booked_version, due_at, attempts, reason, detail, height, block_hash,
  max_fee_rate, max_fee_share_bps, created_at`;

function spendOf(row: SpendRow): Spend {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    walletId: row.wallet_id,
    kind: row.kind,
    origin: row.origin,
    state: row.state,
    anchor: outpointText(row.anchor_txid, row.anchor_vout),
    version: row.version,
    ledgerEpoch: row.ledger_epoch,
    bookedVersion: row.booked_version,
    dueAtMs: row.due_at?.getTime() ?? null,
    attempts: row.attempts,
    reason: row.reason,
    detail: row.detail,
    height: row.height,
    blockHash: row.block_hash === null ? null : displayHash(row.block_hash),
    limits: { maxFeeRate: row.max_fee_rate, maxFeeShareBps: row.max_fee_share_bps },
    createdAtMs: row.created_at.getTime(),
  };
}

/** Locks a spend until the transaction ends; undefined when there is none. */
export async function lockSpend(tx: Tx, spendId: Uuid): Promise<StoredSpend | undefined> {
  return (await lockSpends(tx, [spendId]))[0];
}

/** Locks spends in the order of their ids, so that no two transactions wait for each other. */
export async function lockSpends(tx: Tx, spendIds: readonly Uuid[]): Promise<StoredSpend[]> {
  if (spendIds.length === 0) return [];
  const rows = await tx.query<SpendRow>(
    `SELECT ${SPEND_COLUMNS} FROM spend WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
    [spendIds],
  );
  return await withParts(tx, rows);
}

/** The same without a lock. */
export async function readSpends(tx: Tx, spendIds: readonly Uuid[]): Promise<StoredSpend[]> {
  const rows = await tx.query<SpendRow>(
    `SELECT ${SPEND_COLUMNS} FROM spend WHERE id = ANY($1::uuid[]) ORDER BY id DESC`,
    [spendIds],
  );
  return await withParts(tx, rows);
}

/** A merchant's spends, the newest first. */
export async function listSpendIds(
  tx: Tx,
  page: {
    merchantId: Uuid;
    state: SpendState | undefined;
    walletId: Uuid | undefined;
    before: Uuid | undefined;
    limit: number;
  },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM spend WHERE merchant_id = $1 AND ($2::text IS NULL OR state = $2)
        AND ($3::uuid IS NULL OR wallet_id = $3) AND ($4::uuid IS NULL OR id < $4)
      ORDER BY id DESC LIMIT $5`,
    [page.merchantId, page.state ?? null, page.walletId ?? null, page.before ?? null, page.limit],
  );
  return rows.map(({ id }) => id);
}

async function withParts(tx: Tx, rows: readonly SpendRow[]): Promise<StoredSpend[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const versions = groupBy(await readVersions(tx, ids), ({ spendId }) => spendId);
  const outputs = groupBy(await readOutputs(tx, ids), ({ spendId }) => spendId);
  return rows.map((row) => ({
    spend: spendOf(row),
    versions: (versions.get(row.id) ?? []).map(({ version }) => version),
    outputs: (outputs.get(row.id) ?? []).map(({ output }) => output),
  }));
}

type VersionRow = {
  spend_id: Uuid;
  version: number;
  state: VersionState;
  purpose: SpendVersion['purpose'];
  exposed: boolean;
  inputs: Buffer[];
  txid: Buffer | null;
  fee_sats: bigint;
  vsize: number;
  out_sats: bigint;
  change_branch: 0 | 1;
  change_index: number | null;
  change_vout: number;
  change_sats: bigint;
  fee_shares: Record<Uuid, string>;
  reject_code: string | null;
};

async function readVersions(tx: Tx, spendIds: readonly Uuid[]) {
  const rows = await tx.query<VersionRow>(
    `SELECT spend_id, version, state, purpose, exposed, inputs, txid, fee_sats, vsize, out_sats,
            change_branch, change_index, change_vout, change_sats, fee_shares, reject_code
       FROM spend_version WHERE spend_id = ANY($1::uuid[]) ORDER BY spend_id, version`,
    [spendIds],
  );
  return rows.map((row) => ({ spendId: row.spend_id, version: versionOfRow(row) }));
}

function versionOfRow(row: VersionRow): SpendVersion {
  return {
    version: row.version,
    state: row.state,
    purpose: row.purpose,
    exposed: row.exposed,
    txid: row.txid === null ? null : displayHash(row.txid),
    inputs: row.inputs.map(readOutpoint),
    feeSats: row.fee_sats,
    vsize: row.vsize,
    outSats: row.out_sats,
    change:
      row.change_index === null
        ? null
        : {
            branch: row.change_branch,
            index: row.change_index,
            vout: row.change_vout,
            valueSats: row.change_sats,
          },
    feeShares: Object.fromEntries(
      Object.entries(row.fee_shares).map(([payoutId, sats]) => [payoutId, BigInt(sats)]),
    ),
    rejectCode: row.reject_code,
  };
}

type OutputRow = {
  spend_id: Uuid;
  payout_id: Uuid;
  script: Buffer;
  amount_sats: bigint;
  fee_from: FeeFrom;
  max_fee_share_sats: bigint;
  approvals: Approval[];
};

async function readOutputs(tx: Tx, spendIds: readonly Uuid[]) {
  const rows = await tx.query<OutputRow>(
    `SELECT spend_id, payout_id, script, amount_sats, fee_from, max_fee_share_sats, approvals
       FROM spend_output WHERE spend_id = ANY($1::uuid[]) ORDER BY spend_id, payout_id`,
    [spendIds],
  );
  return rows.map((row) => ({
    spendId: row.spend_id,
    output: {
      payoutId: row.payout_id,
      script: new Uint8Array(row.script),
      amountSats: row.amount_sats,
      feeFrom: row.fee_from,
      maxFeeShareSats: row.max_fee_share_sats,
      approvals: row.approvals,
    },
  }));
}

/** Stores a new spend with its first version and what it pays. */
export async function insertSpend(
  tx: Tx,
  made: StoredSpend & { psbt: Uint8Array; nowMs: number },
): Promise<void> {
  const { spend, outputs, nowMs } = made;
  const [txid, vout] = splitOutpoint(spend.anchor);
  await tx.query(
    `INSERT INTO spend (merchant_id, id, wallet_id, kind, origin, state, anchor_txid, anchor_vout,
            version, due_at, reason, max_fee_rate, max_fee_share_bps, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)`,
    [
      ...[spend.merchantId, spend.id, spend.walletId, spend.kind, spend.origin, spend.state],
      ...[parseHash(txid), vout, spend.version, dateOf(spend.dueAtMs), spend.reason],
      ...[spend.limits.maxFeeRate, spend.limits.maxFeeShareBps, new Date(nowMs)],
    ],
  );
  await tx.query(
    `INSERT INTO spend_output (merchant_id, spend_id, payout_id, script, amount_sats, fee_from,
            max_fee_share_sats, approvals)
     SELECT $1, $2, n.payout_id, n.script, n.amount, n.fee_from, n.max_share, n.approvals::jsonb
       FROM unnest($3::uuid[], $4::bytea[], $5::bigint[], $6::text[], $7::bigint[], $8::text[])
         AS n (payout_id, script, amount, fee_from, max_share, approvals)`,
    [
      spend.merchantId,
      spend.id,
      outputs.map(({ payoutId }) => payoutId),
      outputs.map(({ script }) => script),
      outputs.map(({ amountSats }) => amountSats),
      outputs.map(({ feeFrom }) => feeFrom),
      outputs.map(({ maxFeeShareSats }) => maxFeeShareSats),
      outputs.map(({ approvals }) => JSON.stringify(approvals)),
    ],
  );
  for (const version of made.versions) {
    await insertVersion(tx, spend, { version, psbt: made.psbt, nowMs });
  }
}

export async function insertVersion(
  tx: Tx,
  spend: Pick<Spend, 'merchantId' | 'id'>,
  made: { version: SpendVersion; psbt: Uint8Array; nowMs: number },
): Promise<void> {
  const { version } = made;
  await tx.query(
    `INSERT INTO spend_version (merchant_id, spend_id, version, state, purpose, exposed, psbt,
            inputs, txid, fee_sats, vsize, out_sats, fee_shares, created_at, change_branch,
            change_index, change_vout, change_sats)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [
      ...[spend.merchantId, spend.id, version.version, version.state, version.purpose],
      ...[version.exposed, made.psbt, version.inputs.map(outpointBytes)],
      ...[version.txid === null ? null : parseHash(version.txid), version.feeSats, version.vsize],
      ...[version.outSats, sharesJson(version), new Date(made.nowMs)],
      ...[version.change?.branch ?? null, version.change?.index ?? null],
      ...[version.change?.vout ?? null, version.change?.valueSats ?? null],
    ],
  );
}

/** Writes what a transition changed. Versions that are new were inserted before. */
export async function saveSpend(
  tx: Tx,
  before: { versions: readonly SpendVersion[] },
  after: { spend: Spend; versions: readonly SpendVersion[] },
  nowMs: number,
): Promise<void> {
  const { spend } = after;
  const [txid, vout] = splitOutpoint(spend.anchor);
  await tx.query(
    `UPDATE spend SET state = $3, anchor_txid = $4, anchor_vout = $5, version = $6,
            ledger_epoch = $7, booked_version = $8, due_at = $9, attempts = $10, reason = $11,
            detail = $12, height = $13, block_hash = $14, updated_at = $15
      WHERE merchant_id = $1 AND id = $2`,
    [
      ...[spend.merchantId, spend.id, spend.state, parseHash(txid), vout, spend.version],
      ...[spend.ledgerEpoch, spend.bookedVersion, dateOf(spend.dueAtMs), spend.attempts],
      ...[spend.reason, spend.detail, spend.height],
      spend.blockHash === null ? null : parseHash(spend.blockHash),
      new Date(nowMs),
    ],
  );
  for (const version of after.versions) {
    const old = before.versions.find((each) => each.version === version.version);
    if (old === version) continue;
    await tx.query(
      `UPDATE spend_version SET state = $4, exposed = $5, txid = $6, vsize = $7, reject_code = $8,
              broadcast_at = CASE WHEN $4 = 'broadcast' THEN coalesce(broadcast_at, $9)
                                  ELSE broadcast_at END
        WHERE merchant_id = $1 AND spend_id = $2 AND version = $3`,
      [
        ...[spend.merchantId, spend.id, version.version, version.state, version.exposed],
        ...[version.txid === null ? null : parseHash(version.txid), version.vsize],
        ...[version.rejectCode, new Date(nowMs)],
      ],
    );
  }
}

/** The fee shares that recipients are told, of the version that counts. */
export async function saveFeeShares(tx: Tx, spend: Spend, version: SpendVersion): Promise<void> {
  const shares = Object.entries(version.feeShares);
  await tx.query(
    `UPDATE spend_output o SET fee_share_sats = n.share
       FROM unnest($3::uuid[], $4::bigint[]) AS n (payout_id, share)
      WHERE o.merchant_id = $1 AND o.spend_id = $2 AND o.payout_id = n.payout_id
        AND o.fee_share_sats <> n.share`,
    [spend.merchantId, spend.id, shares.map(([id]) => id), shares.map(([, share]) => share)],
  );
}

/** The bytes of one version: its PSBT with the signatures so far, and the finished transaction. */
export async function readVersionBytes(
  tx: Tx,
  of: { spendId: Uuid; version: number },
): Promise<{ psbt: Uint8Array; raw: Uint8Array | null }> {
  const row = await tx.one<{ psbt: Buffer; raw: Buffer | null }>(
    'SELECT psbt, raw FROM spend_version WHERE spend_id = $1 AND version = $2',
    [of.spendId, of.version],
  );
  return {
    psbt: new Uint8Array(row.psbt),
    raw: row.raw === null ? null : new Uint8Array(row.raw),
  };
}

/** Stores signatures: the finished transaction is durable before anybody is sent it. */
export async function saveSignature(
  tx: Tx,
  of: { spendId: Uuid; version: number; psbt: Uint8Array; raw: Uint8Array | null },
): Promise<void> {
  await tx.query(
    `UPDATE spend_version SET psbt = $3, raw = coalesce(raw, $4)
      WHERE spend_id = $1 AND version = $2`,
    [of.spendId, of.version, of.psbt, of.raw],
  );
}

function sharesJson({ feeShares }: SpendVersion): string {
  const entries = Object.entries(feeShares).map(([id, sats]: [Uuid, Sats]) => [id, String(sats)]);
  return JSON.stringify(Object.fromEntries(entries));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => Uuid): Map<Uuid, T[]> {
  const groups = new Map<Uuid, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
