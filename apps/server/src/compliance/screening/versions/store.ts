import type { Uuid } from '@quittance/kernel';
import { assert } from '@quittance/kernel';
import { dateOf, type Tx } from '../../../platform/db/index.ts';
import type { ListPurpose } from '../screener/categories.ts';
import { SCREENING_CHANNEL } from '../screener/open-screener.ts';
import type { Version, VersionChange } from './version.ts';

const COLUMNS = `id, list, format, state, proposed_by AS "proposedBy", created_at AS "createdAt",
  attempt, error, sources, encode(digest, 'hex') AS digest, entry_count AS "entryCount",
  name_count AS "nameCount", address_count AS "addressCount", finding_count AS "findingCount",
  findings, imported_at AS "importedAt", delta, compared_to AS "comparedTo",
  signed_off_by AS "signedOffBy", signed_off_at AS "signedOffAt", effective_at AS "effectiveAt",
  activated_at AS "activatedAt", retired_at AS "retiredAt",
  entries_removed_at AS "entriesRemovedAt"`;

type Times = 'imported' | 'signedOff' | 'effective' | 'activated' | 'retired' | 'entriesRemoved';
type Row = Omit<Version, 'createdAtMs' | `${Times}AtMs`> & { createdAt: Date } & {
  [Time in `${Times}At`]: Date | null;
};

function versionOf(row: Row): Version {
  const { createdAt, importedAt, signedOffAt, effectiveAt, activatedAt, ...rest } = row;
  const { retiredAt, entriesRemovedAt, ...plain } = rest;
  const ms = (date: Date | null) => date?.getTime() ?? null;
  return {
    ...plain,
    createdAtMs: createdAt.getTime(),
    importedAtMs: ms(importedAt),
    signedOffAtMs: ms(signedOffAt),
    effectiveAtMs: ms(effectiveAt),
    activatedAtMs: ms(activatedAt),
    retiredAtMs: ms(retiredAt),
    entriesRemovedAtMs: ms(entriesRemovedAt),
  };
}

/** A list of the instance. `maxAgeHours`: from this age of its active version on it is stale. */
export type List = {
  name: string;
  title: string;
  purpose: ListPurpose;
  maxAgeHours: number;
  createdBy: string;
  createdAtMs: number;
};

type ListRow = Omit<List, 'createdAtMs'> & { createdAt: Date };
const LIST_COLUMNS = `name, title, purpose, max_age_hours AS "maxAgeHours", created_by AS "createdBy",
  created_at AS "createdAt"`;

function listOf({ createdAt, ...row }: ListRow): List {
  return { ...row, createdAtMs: createdAt.getTime() };
}

/** Makes a list, or changes what can be changed of it. */
export async function writeList(tx: Tx, list: List, nowMs: number): Promise<List> {
  const row = await tx.one<ListRow>(
    `INSERT INTO screening_list (name, title, purpose, max_age_hours, created_by, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (name) DO UPDATE SET title = $2, purpose = $3, max_age_hours = $4, updated_at = $7
     RETURNING ${LIST_COLUMNS}`,
    [
      list.name,
      list.title,
      list.purpose,
      list.maxAgeHours,
      list.createdBy,
      new Date(list.createdAtMs),
      new Date(nowMs),
    ],
  );
  return listOf(row);
}

export async function countLists(tx: Tx): Promise<number> {
  return (await tx.one<{ n: number }>('SELECT count(*)::int AS n FROM screening_list')).n;
}

export async function readList(tx: Tx, name: string): Promise<List | undefined> {
  const row = await tx.maybe<ListRow>(
    `SELECT ${LIST_COLUMNS} FROM screening_list WHERE name = $1`,
    [name],
  );
  return row === undefined ? undefined : listOf(row);
}

/** Locks a list: what becomes of its versions goes one after the other. */
export async function lockList(tx: Tx, name: string): Promise<List | undefined> {
  const row = await tx.maybe<ListRow>(
    `SELECT ${LIST_COLUMNS} FROM screening_list WHERE name = $1 FOR NO KEY UPDATE`,
    [name],
  );
  return row === undefined ? undefined : listOf(row);
}

export async function readLists(tx: Tx): Promise<List[]> {
  const rows = await tx.query<ListRow>(`SELECT ${LIST_COLUMNS} FROM screening_list ORDER BY name`);
  return rows.map(listOf);
}

export async function insertVersion(
  tx: Tx,
  version: Pick<Version, 'id' | 'list' | 'format' | 'proposedBy' | 'createdAtMs'>,
): Promise<Version> {
  const row = await tx.one<Row>(
    `INSERT INTO screening_list_version (id, list, format, state, proposed_by, created_at)
     VALUES ($1, $2, $3, 'uploading', $4, $5) RETURNING ${COLUMNS}`,
    [version.id, version.list, version.format, version.proposedBy, new Date(version.createdAtMs)],
  );
  return versionOf(row);
}

export async function readVersion(tx: Tx, id: Uuid): Promise<Version | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM screening_list_version WHERE id = $1`, [
    id,
  ]);
  return row === undefined ? undefined : versionOf(row);
}

export async function lockVersion(tx: Tx, id: Uuid): Promise<Version | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM screening_list_version WHERE id = $1 FOR NO KEY UPDATE`,
    [id],
  );
  return row === undefined ? undefined : versionOf(row);
}

/** A list's versions, the newest first. */
export async function readVersions(
  tx: Tx,
  page: { list: string; startingAfter: Uuid | undefined; limit: number },
): Promise<Version[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM screening_list_version
      WHERE list = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [page.list, page.startingAfter ?? null, page.limit],
  );
  return rows.map(versionOf);
}

export async function readActiveVersion(tx: Tx, list: string): Promise<Version | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM screening_list_version WHERE list = $1 AND state = 'active'`,
    [list],
  );
  return row === undefined ? undefined : versionOf(row);
}

export async function countOpenUploads(tx: Tx): Promise<number> {
  const row = await tx.one<{ n: number }>(
    `SELECT count(*)::int AS n FROM screening_list_version
      WHERE state IN ('uploading', 'queued', 'importing')`,
  );
  return row.n;
}

export async function updateVersion(tx: Tx, id: Uuid, change: VersionChange): Promise<void> {
  const written = await tx.query(
    `UPDATE screening_list_version SET state = $2, proposed_by = $3, signed_off_by = $4,
            signed_off_at = $5, effective_at = $6, activated_at = $7, retired_at = $8
      WHERE id = $1 RETURNING 1 AS written`,
    [
      id,
      change.state,
      change.proposedBy,
      change.signedOffBy,
      dateOf(change.signedOffAtMs),
      dateOf(change.effectiveAtMs),
      dateOf(change.activatedAtMs),
      dateOf(change.retiredAtMs),
    ],
  );
  assert(written.length === 1, 'a version that is locked is there');
}

/** Approved versions whose time has come, the earliest first. */
export async function findDueVersions(
  tx: Tx,
  nowMs: number,
): Promise<{ id: Uuid; list: string }[]> {
  return await tx.query(
    `SELECT id, list FROM screening_list_version
      WHERE state = 'approved' AND effective_at <= $1 ORDER BY effective_at, id LIMIT 100`,
    [new Date(nowMs)],
  );
}

/** Any constant does: it puts the switches of all lists in one order. */
const SWITCH_LOCK = 7_148_320;

/** Records a switch under the next epoch, asks for re-screening, and rings for all processes. */
export async function recordSwitch(
  tx: Tx,
  change: { list: string; from: Uuid | null; to: Uuid; atMs: number },
): Promise<bigint> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [SWITCH_LOCK]);
  const { epoch } = await tx.one<{ epoch: bigint }>(
    `INSERT INTO screening_switch (epoch, list, from_version, to_version, switched_at)
     SELECT coalesce(max(epoch), 0) + 1, $1, $2, $3, $4 FROM screening_switch RETURNING epoch`,
    [change.list, change.from, change.to, new Date(change.atMs)],
  );
  await tx.query(
    `UPDATE screening_rescreen SET state = 'superseded', finished_at = $1 WHERE state = 'open'`,
    [new Date(change.atMs)],
  );
  await tx.query(
    `INSERT INTO screening_rescreen (epoch, state, screened, created_at) VALUES ($1, 'open', 0, $2)`,
    [epoch, new Date(change.atMs)],
  );
  await tx.query(`SELECT pg_notify('${SCREENING_CHANNEL}', $1)`, [String(epoch)]);
  return epoch;
}

/** The version that was active before the present one. */
export async function findFormerVersion(tx: Tx, list: string): Promise<Uuid | undefined> {
  const row = await tx.maybe<{ id: Uuid | null }>(
    `SELECT from_version AS id FROM screening_switch WHERE list = $1 ORDER BY epoch DESC LIMIT 1`,
    [list],
  );
  return row?.id ?? undefined;
}
