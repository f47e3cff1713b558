import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import {
  findDueVersions,
  findFormerVersion,
  lockList,
  lockVersion,
  readActiveVersion,
  readVersion,
  recordSwitch,
  updateVersion,
} from './store.ts';
import { readParts } from './upload-store.ts';
import { changeVersion, type Version, type VersionEvent, type VersionOutcome } from './version.ts';

export type SamePersonAs = (
  tx: Tx,
  by: string,
  others: Iterable<string>,
) => Promise<ReadonlySet<string>>;

/** @throws {AppError} not_found */
export async function existingVersion(tx: Tx, id: Uuid): Promise<Version> {
  const version = await readVersion(tx, id);
  if (version === undefined) throw new AppError('not_found', 'There is no such version of a list.');
  return version;
}

/** All files are there: a worker may read them. @throws {AppError} not_found, conflict */
export async function startImport(tx: Tx, id: Uuid): Promise<Version> {
  const version = await locked(tx, id);
  const parts = await readParts(tx, id);
  if (parts.length === 0) throw new AppError('conflict', 'Upload at least one file first.');
  const gap = parts.find(
    (part, at) =>
      part.part !== (parts[at - 1]?.file === part.file ? (parts[at - 1]?.part ?? 0) + 1 : 0),
  );
  if (gap !== undefined) {
    throw new AppError('conflict', `Parts of ${gap.file} before part ${gap.part} are missing.`);
  }
  return await apply(tx, version, { type: 'uploaded' });
}

/**
 * Signs a version off: a second person has seen what it changes. It becomes active at its date, or at
 * once. @throws {AppError} not_found, conflict, forbidden
 */
export async function signOffVersion(
  tx: Tx,
  given: {
    id: Uuid;
    by: string;
    digest: string;
    effectiveAtMs: number;
    nowMs: number;
    samePersonAs: SamePersonAs;
  },
): Promise<Version> {
  const version = await locked(tx, given.id);
  const same = await given.samePersonAs(tx, given.by, [version.proposedBy]);
  const active = await readActiveVersion(tx, version.list);
  const signed = await apply(tx, version, {
    ...given,
    type: 'signed-off',
    bySamePerson: same.has(version.proposedBy),
    activeId: active?.id ?? null,
  });
  return (signed.effectiveAtMs ?? 0) <= given.nowMs
    ? await activate(tx, signed, given.nowMs)
    : signed;
}

/** Takes a version back that is not active yet. @throws {AppError} not_found, conflict */
export async function rejectVersion(tx: Tx, id: Uuid): Promise<Version> {
  return await apply(tx, await locked(tx, id), { type: 'rejected' });
}

/**
 * Proposes the version that was active before the present one; a second person signs it off as any.
 * @throws {AppError} not_found, conflict
 */
export async function proposeFormerVersion(
  tx: Tx,
  { list, by }: { list: string; by: string },
): Promise<Version> {
  if ((await lockList(tx, list)) === undefined) throw noSuchList();
  const id = await findFormerVersion(tx, list);
  if (id === undefined) throw new AppError('conflict', 'No version was active before this one.');
  return await apply(tx, await locked(tx, id), { type: 'proposed-again', by });
}

/** Makes versions active whose date has come. @returns how many */
export async function activateDueVersions(tx: Tx, nowMs: number): Promise<number> {
  let count = 0;
  for (const { id } of await findDueVersions(tx, nowMs)) {
    const version = await locked(tx, id);
    // Another process may have been first.
    if (!changeVersion(version, { type: 'due', nowMs }).ok) continue;
    await activate(tx, version, nowMs);
    count++;
  }
  return count;
}

/** One transaction: the one that was active is so no more, and every process is told. */
async function activate(tx: Tx, version: Version, nowMs: number): Promise<Version> {
  const before = await readActiveVersion(tx, version.list);
  if (before !== undefined) await apply(tx, before, { type: 'replaced', nowMs });
  const active = await apply(tx, version, { type: 'due', nowMs });
  const { list } = version;
  await recordSwitch(tx, { list, from: before?.id ?? null, to: version.id, atMs: nowMs });
  return active;
}

/** The list is locked first, so that two of its versions never change at once. */
async function locked(tx: Tx, id: Uuid): Promise<Version> {
  const { list } = await existingVersion(tx, id);
  await lockList(tx, list);
  const version = await lockVersion(tx, id);
  if (version === undefined) throw new AppError('not_found', 'There is no such version of a list.');
  return version;
}

async function apply(tx: Tx, version: Version, event: VersionEvent): Promise<Version> {
  const outcome = changeVersion(version, event);
  if (!outcome.ok) throw refusal(version, outcome.reason);
  await updateVersion(tx, version.id, outcome.change);
  return { ...version, ...outcome.change };
}

type Reason = Extract<VersionOutcome, { ok: false }>['reason'];

function refusal({ state, digest }: Version, reason: Reason): AppError {
  switch (reason) {
    case 'state':
      return new AppError('conflict', `The version is ${state}; this can not be done with it.`);
    case 'same-person':
      return new AppError(
        'forbidden',
        'Another person has to sign this version off: this key belongs to whoever proposed it.',
      );
    case 'digest':
      return new AppError('conflict', `The entries of this version have the digest ${digest}.`);
    case 'comparison':
      return new AppError(
        'conflict',
        'The version is being compared with what is active now. Read the report when it is there.',
        { retryAfterSeconds: 2 },
      );
    case 'entries-removed':
      return new AppError('conflict', 'The entries of this old version are gone; import it again.');
  }
}

export function noSuchList(): AppError {
  return new AppError('not_found', 'There is no such list.');
}
