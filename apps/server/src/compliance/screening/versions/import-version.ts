import { createHash, type Hash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Clock } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import { isForeign, normaliseAddress } from '../addresses/normalise.ts';
import { ListError } from '../errors.ts';
import type { ImportFinding, ListEntry } from '../list-entry.ts';
import { importList } from '../lists/import.ts';
import { openPacker } from '../screener/pack-entries.ts';
import type { EntryChunk } from '../screener/entry-book.ts';
import {
  claimImport,
  deleteOtherChunks,
  finishImport,
  type ImportClaim,
  writeChunk,
} from './import-store.ts';
import { deleteParts, readPart, readParts } from './upload-store.ts';
import type { VersionSource } from './version.ts';

/** Renewed with each chunk; a worker that is silent for longer has died. */
const LEASE_MS = 120_000;
/** Findings that are kept to be read; the rest is counted. */
const MAX_FINDINGS = 500;
/** Letters of one finding: it may quote a line of the file. */
const MAX_FINDING_LETTERS = 300;
/** More entries than any list has; each that has names needs memory in every process. */
const MAX_ENTRIES = 5_000_000;
const MAX_NAMED_ENTRIES = 1_000_000;

/** Another worker has begun the same import anew. */
class ClaimLost extends Error {}

/**
 * Imports the oldest version that waits: reads its files, stores the entries in chunks and counts
 * them. A file that must not be used makes the version `failed`, with the reason; a crash leaves it to
 * the next worker, which begins again.
 * @returns false when none waited
 */
export async function importNext(
  { database, clock }: { database: Database; clock: Clock },
  signal: AbortSignal,
): Promise<boolean> {
  const nowMs = clock.nowMs();
  const claim = await database.asSystem((tx) => claimImport(tx, { nowMs, leaseMs: LEASE_MS }));
  if (claim === undefined) return false;
  const folder = await mkdtemp(join(tmpdir(), 'quittance-list-'));
  try {
    const { paths, sources } = await writeFiles(database, claim, folder);
    const read = await readEntries({ database, clock }, { claim, paths, signal });
    const imported = { ...read, sources };
    await database.asSystem(async (tx) => {
      if (!(await finishImport(tx, claim, { nowMs: clock.nowMs(), imported }))) return;
      await deleteOtherChunks(tx, claim, true);
      await deleteParts(tx, claim.id);
    });
  } catch (error) {
    if (error instanceof ClaimLost) return true;
    if (!(error instanceof ListError)) throw error;
    const reason = `${basename(error.file)}: ${error.message.replace(`${error.file}:`, 'line ')}`;
    await database.asSystem(async (tx) => {
      const failed = { nowMs: clock.nowMs(), error: cut(reason) };
      if (!(await finishImport(tx, claim, failed))) return;
      await deleteOtherChunks(tx, claim, false);
      await deleteParts(tx, claim.id);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return true;
}

/** Puts the uploaded parts together, in files of their own names. */
async function writeFiles(
  database: Database,
  { id: versionId }: ImportClaim,
  folder: string,
): Promise<{ paths: string[]; sources: VersionSource[] }> {
  const parts = await database.asSystem((tx) => readParts(tx, versionId));
  const files = [...new Set(parts.map(({ file }) => file))];
  const sources: VersionSource[] = [];
  const paths: string[] = [];
  for (const file of files) {
    const path = join(folder, basename(file));
    const handle = await open(path, 'w');
    const hash: Hash = createHash('sha256');
    let bytes = 0;
    try {
      for (const { part } of parts.filter((one) => one.file === file)) {
        const body = await database.asSystem((tx) => readPart(tx, { versionId, file, part }));
        hash.update(body);
        bytes += body.byteLength;
        await handle.writeFile(body);
      }
    } finally {
      await handle.close();
    }
    paths.push(path);
    sources.push({ file, bytes, sha256: hash.digest('hex') });
  }
  return { paths, sources };
}

async function readEntries(
  { database, clock }: { database: Database; clock: Clock },
  { claim, paths, signal }: { claim: ImportClaim; paths: readonly string[]; signal: AbortSignal },
) {
  const packer = openPacker();
  const findings: ImportFinding[] = [];
  const counts = { entryCount: 0, nameCount: 0, addressCount: 0, findingCount: 0 };
  let named = 0;
  let at = 0;
  const note = ({ file, line, message }: ImportFinding) => {
    counts.findingCount++;
    if (findings.length >= MAX_FINDINGS) return;
    findings.push({ file: basename(file), line, message: cut(message) });
  };
  const store = async (chunk: EntryChunk | undefined) => {
    if (chunk === undefined) return;
    const untilMs = clock.nowMs() + LEASE_MS;
    const mine = await database.asSystem((tx) =>
      writeChunk(tx, { claim, chunk, at: at++, untilMs }),
    );
    if (!mine) throw new ClaimLost();
  };
  for await (const event of importList(claim.format, paths)) {
    signal.throwIfAborted();
    if (event.kind === 'finding') {
      note(event.finding);
      continue;
    }
    const { entry } = event;
    counts.entryCount++;
    counts.nameCount += entry.names.length;
    counts.addressCount += entry.addresses.length;
    if (entry.names.length > 0) named++;
    if (counts.entryCount > MAX_ENTRIES || named > MAX_NAMED_ENTRIES) {
      throw new ListError(paths[0] ?? '', 0, 'more entries than one list may have');
    }
    for (const message of addressFindings(entry)) note({ file: paths[0] ?? '', line: 0, message });
    await store(await packer.add(entry));
  }
  const { last, digest } = await packer.close();
  await store(last);
  return { ...counts, findings, digest };
}

/** What of an entry's addresses is not what the list calls it, or no address at all. */
export function addressFindings({ id, addresses }: ListEntry): string[] {
  return addresses.flatMap(({ asset, address }) => {
    if (normaliseAddress(address) === null) return [`${id}: not an address: "${address}"`];
    if (!isForeign(asset, address)) return [];
    return [`${id}: listed as ${asset}, but not a Bitcoin address: ${address}`];
  });
}

function cut(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().slice(0, MAX_FINDING_LETTERS);
}
