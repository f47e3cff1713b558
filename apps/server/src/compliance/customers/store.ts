import type {
  CustomerKind,
  CustomerLevel,
  CustomerRisk,
  CustomerRiskReason,
  CustomerState,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Block, Customer } from './customer.ts';
import type { IndexEntry } from './profile.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  kind: CustomerKind;
  state: CustomerState;
  verified_level: CustomerLevel;
  verified_at: Date | null;
  valid_until: Date | null;
  review_due_at: Date | null;
  review_told_at: Date | null;
  risk: CustomerRisk;
  risk_reasons: CustomerRiskReason[];
  risk_override: CustomerRisk | null;
  pep: boolean;
  blocked_at: Date | null;
  blocked_by: string | null;
  blocked_because: Block['because'] | null;
  owner_blocked: boolean;
  ended_at: Date | null;
  screen_due_at: Date | null;
  screened_at: Date | null;
  screened_with: string[];
  sealed_key: Buffer | null;
  sealed_profile: Buffer | null;
  erased_at: Date | null;
  version: number;
  created_by: string;
  created_at: Date;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, kind, state, verified_level, verified_at, valid_until,
  review_due_at, review_told_at, risk, risk_reasons, risk_override, pep, blocked_at, blocked_by,
  blocked_because, owner_blocked, ended_at, screen_due_at, screened_at, screened_with, sealed_key,
  sealed_profile, erased_at, version, created_by, created_at, updated_at`;

function customerOf(row: Row): Customer {
  const { blocked_at: at, blocked_by: by, blocked_because: because } = row;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    kind: row.kind,
    state: row.state,
    verifiedLevel: row.verified_level,
    verifiedAtMs: row.verified_at?.getTime() ?? null,
    validUntilMs: row.valid_until?.getTime() ?? null,
    reviewDueAtMs: row.review_due_at?.getTime() ?? null,
    reviewToldAtMs: row.review_told_at?.getTime() ?? null,
    risk: row.risk,
    riskReasons: row.risk_reasons,
    riskOverride: row.risk_override,
    pep: row.pep,
    block:
      at === null || by === null || because === null ? null : { atMs: at.getTime(), by, because },
    ownerBlocked: row.owner_blocked,
    endedAtMs: row.ended_at?.getTime() ?? null,
    screenDueAtMs: row.screen_due_at?.getTime() ?? null,
    screenedAtMs: row.screened_at?.getTime() ?? null,
    screenedWith: row.screened_with,
    sealedKey: row.sealed_key,
    sealedProfile: row.sealed_profile,
    erasedAtMs: row.erased_at?.getTime() ?? null,
    version: row.version,
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

function valuesOf(customer: Customer): unknown[] {
  return [
    customer.merchantId,
    customer.id,
    customer.kind,
    customer.state,
    customer.verifiedLevel,
    dateOf(customer.verifiedAtMs),
    dateOf(customer.validUntilMs),
    dateOf(customer.reviewDueAtMs),
    dateOf(customer.reviewToldAtMs),
    customer.risk,
    customer.riskReasons,
    customer.riskOverride,
    customer.pep,
    dateOf(customer.block?.atMs ?? null),
    customer.block?.by ?? null,
    customer.block?.because ?? null,
    customer.ownerBlocked,
    dateOf(customer.endedAtMs),
    dateOf(customer.screenDueAtMs),
    dateOf(customer.screenedAtMs),
    customer.screenedWith,
    customer.sealedKey,
    customer.sealedProfile,
    dateOf(customer.erasedAtMs),
    customer.version,
    customer.createdBy,
    new Date(customer.createdAtMs),
    new Date(customer.updatedAtMs),
  ];
}

export async function insertCustomer(tx: Tx, customer: Customer): Promise<void> {
  await tx.query(
    `INSERT INTO customer (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`,
    valuesOf(customer),
  );
}

/** Writes a customer as a whole; the caller holds its lock. */
export async function updateCustomer(tx: Tx, customer: Customer): Promise<void> {
  const written = await tx.query(
    `UPDATE customer SET (${COLUMNS}) = ROW ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
            $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)
      WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS written`,
    valuesOf(customer),
  );
  assert(written.length === 1, 'a customer that is locked is there');
}

/** A customer of a merchant: one that is another merchant's is not found. */
export type OwnCustomer = { merchantId: Uuid; id: Uuid };

export async function readCustomer(tx: Tx, own: OwnCustomer): Promise<Customer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM customer WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : customerOf(row);
}

export async function readCustomersById(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<Customer[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer WHERE merchant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id`,
    [which.merchantId, which.ids],
  );
  return rows.map(customerOf);
}

/** The same, and so that what is decided about them holds until the transaction ends. */
export async function lockCustomers(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<Customer[]> {
  // Orders of one customer count against one limit: they go one after the other.
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer WHERE merchant_id = $1 AND id = ANY($2::uuid[])
      ORDER BY id FOR NO KEY UPDATE`,
    [which.merchantId, which.ids],
  );
  return rows.map(customerOf);
}

export type CustomerFilter = {
  merchantId: Uuid;
  startingAfter: Uuid | undefined;
  limit: number;
  state: CustomerState | undefined;
  kind: CustomerKind | undefined;
};

/** A merchant's customers, the newest first. */
export async function readCustomers(tx: Tx, filter: CustomerFilter): Promise<Customer[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR state = $4)
        AND ($5::text IS NULL OR kind = $5)
      ORDER BY id DESC LIMIT $2`,
    [
      filter.merchantId,
      filter.limit,
      filter.startingAfter ?? null,
      filter.state ?? null,
      filter.kind ?? null,
    ],
  );
  return rows.map(customerOf);
}

export async function findCustomersByDigest(
  tx: Tx,
  wanted: { merchantId: Uuid; digest: Uint8Array; limit: number },
): Promise<Customer[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer
      WHERE merchant_id = $1 AND id IN
            (SELECT customer_id FROM customer_index WHERE merchant_id = $1 AND digest = $2)
      ORDER BY id DESC LIMIT $3`,
    [wanted.merchantId, wanted.digest, wanted.limit],
  );
  return rows.map(customerOf);
}

/** Puts what a customer is found by in the place of what it was found by before. */
export async function replaceIndex(
  tx: Tx,
  own: OwnCustomer,
  entries: readonly IndexEntry[],
): Promise<void> {
  await tx.query('DELETE FROM customer_index WHERE merchant_id = $1 AND customer_id = $2', [
    own.merchantId,
    own.id,
  ]);
  await tx.query(
    `INSERT INTO customer_index (merchant_id, customer_id, digest, link_rank)
     SELECT $1, $2, digest, rank FROM unnest($3::bytea[], $4::smallint[]) AS n (digest, rank)`,
    [
      ...[own.merchantId, own.id],
      entries.map(({ digest }) => digest),
      entries.map(({ linkRank }) => linkRank),
    ],
  );
}

/** The digests that say with whom a customer has something in common, the surest first. */
export async function readLinkDigests(
  tx: Tx,
  own: OwnCustomer,
  limit: number,
): Promise<Uint8Array[]> {
  const rows = await tx.query<{ digest: Buffer }>(
    `SELECT digest FROM customer_index
      WHERE merchant_id = $1 AND customer_id = $2 AND link_rank IS NOT NULL
      ORDER BY link_rank, digest LIMIT $3`,
    [own.merchantId, own.id, limit],
  );
  return rows.map(({ digest }) => digest);
}
