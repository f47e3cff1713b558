import { displayHash, parseHash } from '@quittance/bitcoin';
import { assert, type Sats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { ChainFacts, Taken, VersionPlace } from './chain-facts.ts';
import type {
  Approval,
  FeeFrom,
  OutpointText,
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

/** Spends that one of these transactions is a version of, or whose coins it takes. */
export async function readTouchedSpends(tx: Tx, txids: readonly string[]): Promise<Uuid[]> {
  if (txids.length === 0) return [];
  const rows = await tx.query<{ spend_id: Uuid }>(
    `SELECT spend_id FROM spend_version WHERE txid = ANY($1::bytea[])
      UNION
     SELECT r.spend_id FROM chain_spend s
       JOIN coin_reservation r ON r.txid = s.prev_txid AND r.vout = s.prev_vout
      WHERE s.txid = ANY($1::bytea[])
      UNION
     SELECT spend_id FROM coin_reservation WHERE txid = ANY($1::bytea[])
      ORDER BY spend_id`,
    [txids.map(parseHash)],
  );
  return rows.map((row) => row.spend_id);
}

/** Spends that a new tip may move on: confirmed ones that become final, and conflicts that do. */
export async function readSpendsDueAtTip(
  tx: Tx,
  at: { finalHeight: number; limit: number },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM spend WHERE state = 'confirmed' AND height <= $1
      UNION
     SELECT id FROM spend WHERE state NOT IN ('final', 'failed') AND reason IN ('cancelled',
            'conflict_not_final', 'coin_gone')
      ORDER BY id LIMIT $2`,
    [at.finalHeight, at.limit],
  );
  return rows.map(({ id }) => id);
}

/** What the chain's record says about these spends now. */
export async function readChainFacts(
  tx: Tx,
  spendIds: readonly Uuid[],
  tipHeight: number,
): Promise<Map<Uuid, ChainFacts>> {
  type PlaceRow = { spend_id: Uuid; version: number; height: number | null; block_hash: Buffer };
  const places = await tx.query<PlaceRow>(
    `SELECT v.spend_id, v.version, t.height, t.block_hash
       FROM spend_version v JOIN chain_transaction t ON t.txid = v.txid
      WHERE v.spend_id = ANY($1::uuid[]) AND t.state IN ('mempool', 'block')`,
    [spendIds],
  );
  type TakenRow = { spend_id: Uuid; prev_txid: Buffer; prev_vout: bigint; txid: Buffer };
  const taken = await tx.query<TakenRow & { height: number | null }>(
    `SELECT r.spend_id, s.prev_txid, s.prev_vout, t.txid, t.height
       FROM coin_reservation r
       JOIN chain_spend s ON s.prev_txid = r.txid AND s.prev_vout = r.vout
       JOIN chain_transaction t ON t.txid = s.txid AND t.state IN ('mempool', 'block')
      WHERE r.spend_id = ANY($1::uuid[]) AND NOT EXISTS (
            SELECT 1 FROM spend_version v WHERE v.spend_id = r.spend_id AND v.txid = t.txid)
      UNION ALL
     -- A coin whose own transaction was replaced does not exist any more: as good as taken by that.
     SELECT r.spend_id, r.txid, r.vout, t.txid, t.height
       FROM coin_reservation r
       JOIN chain_transaction made ON made.txid = r.txid AND made.state = 'replaced'
       JOIN chain_transaction t ON t.txid = made.replaced_by AND t.state IN ('mempool', 'block')
      WHERE r.spend_id = ANY($1::uuid[])
      ORDER BY height NULLS FIRST`,
    [spendIds],
  );
  const facts = new Map<Uuid, ChainFacts>();
  for (const id of spendIds) {
    const own = new Map<number, VersionPlace>();
    for (const row of places.filter(({ spend_id }) => spend_id === id)) {
      const { height } = row;
      own.set(
        row.version,
        height === null ? 'mempool' : { height, blockHash: displayHash(row.block_hash) },
      );
    }
    const others = new Map<OutpointText, Taken>();
    for (const row of taken.filter(({ spend_id }) => spend_id === id)) {
      const outpoint = outpointText(row.prev_txid, Number(row.prev_vout));
      others.set(outpoint, { txid: displayHash(row.txid), height: row.height });
    }
    facts.set(id, { tipHeight, places: own, taken: others });
  }
  return facts;
}

/** Takes spends that are due, each for one worker at a time; the lease ends by itself. */
export async function claimDueSpends(
  tx: Tx,
  claim: { nowMs: number; leaseMs: number; limit: number },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `UPDATE spend SET due_at = $2 WHERE id IN (
       SELECT id FROM spend WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [new Date(claim.nowMs), new Date(claim.nowMs + claim.leaseMs), claim.limit],
  );
  return rows.map(({ id }) => id);
}

/** Makes everything due that is not in a block: after a start nobody knows what was under way. */
export async function wakeSpends(tx: Tx, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE spend SET due_at = $1 WHERE state IN ('planned', 'signed', 'broadcast')
        AND height IS NULL AND (due_at IS NULL OR due_at > $1)`,
    [new Date(nowMs)],
  );
}

/** Rung when a spend has become due, for the workers. */
export const SPENDS_CHANNEL = 'quittance_spends';

export async function ringSpends(tx: Tx): Promise<void> {
  await tx.query('SELECT pg_notify($1, $2)', [SPENDS_CHANNEL, '']);
}

/** Open spends by state, with the age of the oldest that is not confirmed. */
export async function countOpenSpends(
  tx: Tx,
): Promise<{ state: SpendState; count: bigint; oldestAt: Date }[]> {
  return await tx.query(
    `SELECT state, count(*) AS count, min(created_at) AS "oldestAt" FROM spend
      WHERE state NOT IN ('final', 'failed') GROUP BY state`,
  );
}

/** Height of the last block on record; 0 before the first. */
export async function readTip(tx: Tx): Promise<number> {
  const row = await tx.one<{ height: number }>(
    'SELECT coalesce(max(height), 0)::int AS height FROM chain_cursor',
  );
  return row.height;
}

export function outpointText(txid: Uint8Array, vout: number): OutpointText {
  return `${displayHash(txid)}:${vout}`;
}

/** Takes "txid:vout" apart. */
export function splitOutpoint(outpoint: OutpointText): [txid: string, vout: number] {
  const [txid, vout] = outpoint.split(':');
  assert(txid?.length === 64 && vout !== undefined, `not an outpoint: ${outpoint}`);
  return [txid, Number(vout)];
}

/** As the wire has it: txid and number, 36 bytes. */
function outpointBytes(outpoint: OutpointText): Buffer {
  const [txid, vout] = splitOutpoint(outpoint);
  const bytes = Buffer.alloc(36);
  bytes.set(parseHash(txid));
  bytes.writeUInt32LE(vout, 32);
  return bytes;
}

function readOutpoint(bytes: Buffer): OutpointText {
  return outpointText(bytes.subarray(0, 32), bytes.readUInt32LE(32));
}

function sharesJson({ feeShares }: SpendVersion): string {
  const entries = Object.entries(feeShares).map(([id, sats]: [Uuid, Sats]) => [id, String(sats)]);
  return JSON.stringify(Object.fromEntries(entries));
}

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
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

/** A coin of ours, whatever is being done with it. */
export type OwnCoin = {
  readonly id: OutpointText;
  readonly txid: string;
  readonly vout: number;
  readonly walletId: Uuid;
  readonly valueSats: Sats;
  readonly branch: 0 | 1;
  readonly index: number;
  readonly height: number | null;
  readonly live: boolean;
  readonly isSpent: boolean;
  /** The open spend that has it. */
  readonly reservedBy: Uuid | null;
};

/** Coins by name; those that are not ours are left out. */
export async function readOwnCoins(
  tx: Tx,
  merchantId: Uuid,
  outpoints: readonly OutpointText[],
): Promise<OwnCoin[]> {
  const parts = outpoints.map(splitOutpoint);
  type Row = {
    txid: Buffer;
    vout: number;
    wallet_id: Uuid;
    value_sats: bigint;
    branch: 0 | 1;
    index: number;
    height: number | null;
    live: boolean;
    spent_by: Buffer | null;
    reserved_by: Uuid | null;
  };
  const rows = await tx.query<Row>(
    `SELECT c.txid, c.vout, c.wallet_id, c.value_sats, c.branch, c.index, c.height, c.live,
            c.spent_by, r.spend_id AS reserved_by
       FROM unnest($2::bytea[], $3::int[]) AS n (txid, vout)
       JOIN coin c ON c.merchant_id = $1 AND c.txid = n.txid AND c.vout = n.vout
       LEFT JOIN coin_reservation r ON r.txid = c.txid AND r.vout = c.vout`,
    [merchantId, parts.map(([txid]) => parseHash(txid)), parts.map(([, vout]) => vout)],
  );
  return rows.map((row) => ({
    id: outpointText(row.txid, row.vout),
    txid: displayHash(row.txid),
    vout: row.vout,
    walletId: row.wallet_id,
    valueSats: row.value_sats,
    branch: row.branch,
    index: row.index,
    height: row.height,
    live: row.live,
    isSpent: row.spent_by !== null,
    reservedBy: row.reserved_by,
  }));
}

/**
 * One plan of a wallet at a time, until the transaction ends: what one reserves, and whose change
 * it spends, the next one sees.
 */
export async function lockPlanning(tx: Tx, walletId: Uuid): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`plan ${walletId}`]);
}

/** Coins made by spends that are about to be replaced: who builds on them, falls with them. */
export async function readDoubtfulChange(tx: Tx, walletId: Uuid): Promise<Set<string>> {
  const rows = await tx.query<{ txid: Buffer }>(
    `SELECT v.txid FROM spend s JOIN spend_version v ON v.spend_id = s.id
      WHERE s.wallet_id = $1 AND s.state NOT IN ('final', 'failed') AND v.txid IS NOT NULL
        AND (v.version <> s.version OR EXISTS (
              SELECT 1 FROM spend_version n WHERE n.spend_id = s.id AND n.version > v.version
                 AND n.state IN ('planned', 'signed')))`,
    [walletId],
  );
  return new Set(rows.map(({ txid }) => displayHash(txid)));
}

/** Time of the newest block on record; null before the first. */
export async function readTipTime(tx: Tx, height: number): Promise<number | null> {
  const row = await tx.maybe<{ time: Date }>('SELECT time FROM chain_block WHERE height = $1', [
    height,
  ]);
  return row?.time.getTime() ?? null;
}

/** Versions that were given out to be signed and whose txid will be known only then. */
export async function readNamelessVersions(
  tx: Tx,
  spendIds: readonly Uuid[],
): Promise<{ spendId: Uuid; version: number; psbt: Uint8Array }[]> {
  const rows = await tx.query<{ spend_id: Uuid; version: number; psbt: Buffer }>(
    `SELECT spend_id, version, psbt FROM spend_version
      WHERE spend_id = ANY($1::uuid[]) AND txid IS NULL AND exposed`,
    [spendIds],
  );
  return rows.map(({ spend_id: spendId, version, psbt }) => ({ spendId, version, psbt }));
}

/** Transactions on record that take a coin of these spends. */
export async function readTakers(
  tx: Tx,
  spendIds: readonly Uuid[],
): Promise<{ spendId: Uuid; raw: Uint8Array }[]> {
  const rows = await tx.query<{ spend_id: Uuid; raw: Buffer }>(
    `SELECT DISTINCT r.spend_id, t.txid, t.raw
       FROM coin_reservation r
       JOIN chain_spend s ON s.prev_txid = r.txid AND s.prev_vout = r.vout
       JOIN chain_transaction t ON t.txid = s.txid
      WHERE r.spend_id = ANY($1::uuid[])`,
    [spendIds],
  );
  return rows.map(({ spend_id: spendId, raw }) => ({ spendId, raw }));
}

export async function nameVersion(
  tx: Tx,
  named: { spendId: Uuid; version: number; txid: string; raw: Uint8Array },
): Promise<void> {
  await tx.query(
    `UPDATE spend_version SET txid = $3, raw = coalesce(raw, $4)
      WHERE spend_id = $1 AND version = $2 AND txid IS NULL`,
    [named.spendId, named.version, parseHash(named.txid), named.raw],
  );
}

/** Raw transactions, in no block, that made these coins. */
export async function readUnconfirmedParents(
  tx: Tx,
  inputs: readonly OutpointText[],
): Promise<Uint8Array[]> {
  const rows = await tx.query<{ raw: Buffer }>(
    `SELECT raw FROM chain_transaction WHERE txid = ANY($1::bytea[]) AND state <> 'block'
      ORDER BY txid`,
    [inputs.map((input) => parseHash(splitOutpoint(input)[0]))],
  );
  return rows.map(({ raw }) => new Uint8Array(raw));
}
