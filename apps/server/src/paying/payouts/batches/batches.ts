import type {
  CreatePayoutBatch,
  PayoutBatch as BatchJson,
  PayoutBatchVerdict,
} from '@quittance/contract';
import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import type { Quote } from '../../../receiving/rates/index.ts';
import { createPayouts, type PayoutDeps, walletFor } from '../create-payout.ts';
import { coveringSats, type Payout, type PayoutTelling } from '../payout.ts';
import { readPayoutPolicy } from '../policy-store.ts';
import { judgeLines, termsOf } from './judge-lines.ts';
import { linesOfCsv, linesOfJson, type RawLine } from './read-lines.ts';
import {
  type Batch,
  type BatchFacts,
  insertBatch,
  lockBatch,
  markBatchAccepted,
  type OwnBatch,
} from './store.ts';

/** Rates are promised for as long as a person needs to read a verdict. */
export const ACCEPTABLE_FOR_MS = 3_600_000;
/** Inserted in one statement. */
const LINES_AT_ONCE = 2_000;

/**
 * The lines of a batch, however it came.
 * @throws {AppError} invalid_request when the file as a whole can not be read
 */
export function readLines({ csv, payouts }: Pick<CreatePayoutBatch, 'csv' | 'payouts'>): RawLine[] {
  if (csv === undefined) return linesOfJson(payouts ?? []);
  const read = linesOfCsv(csv);
  if (read.ok) return [...read.lines];
  throw new AppError('invalid_request', `The CSV can not be read: ${read.reason}.`, {
    fields: [{ pointer: '/csv', detail: read.reason }],
  });
}

/**
 * Judges a batch line by line and, unless it is a dry run, keeps it with its verdict. No payout is
 * made before it is accepted.
 */
export async function checkBatch(
  tx: Tx,
  deps: PayoutDeps,
  { ids, nowMs }: PayoutTelling,
  given: {
    merchantId: Uuid;
    createdBy: string;
    lines: readonly RawLine[];
    quotes: ReadonlyMap<string, Quote>;
    name: string | undefined;
    walletId: Uuid | undefined;
    dryRun: boolean;
  },
): Promise<PayoutBatchVerdict> {
  const { merchantId } = given;
  const policy = await readPayoutPolicy(tx, merchantId);
  const { perPayoutMaxSats } = policy;
  const lines = judgeLines(given.lines, {
    network: deps.network,
    quotes: given.quotes,
    perPayoutMaxSats: perPayoutMaxSats === null ? null : BigInt(perPayoutMaxSats),
    nowMs,
  });
  // Only what is paid on chain needs a wallet; lines that can not be read may be meant so.
  const isLightning = lines.every(({ terms }) => terms !== null && terms.lightning !== null);
  const walletId = isLightning ? null : await walletFor(tx, given);
  const valid = lines.flatMap(({ terms }) => terms ?? []);
  const batch: Batch = {
    merchantId,
    id: ids.next(),
    name: given.name ?? null,
    walletId,
    lines,
    lineCount: lines.length,
    validCount: valid.length,
    duplicateCount: lines.filter(({ verdict }) => verdict.duplicateOf !== null).length,
    totalSats: valid.reduce<Sats>((sum, terms) => sum + coveringSats(BigInt(terms.amountMsat)), 0n),
    createdBy: given.createdBy,
    createdAtMs: nowMs,
    acceptableUntilMs: nowMs + ACCEPTABLE_FOR_MS,
    acceptedAtMs: null,
  };
  if (given.dryRun) return { ...verdictJson(batch), id: null, acceptableUntil: null };
  await insertBatch(tx, batch);
  return verdictJson(batch);
}

/**
 * Makes payouts of a batch: of all its lines, or nothing at all. Wrong lines and repeated ones are
 * left out only where the caller says so.
 * @throws {AppError} not_found, conflict, and what createPayouts throws
 */
export async function acceptBatch(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  given: OwnBatch & { createdBy: string; acceptValid: boolean; acceptDuplicates: boolean },
): Promise<{ batch: BatchFacts; payouts: Payout[] }> {
  const batch = await lockBatch(tx, given);
  if (batch === undefined) throw noSuchBatch();
  if (batch.acceptedAtMs !== null) {
    throw new AppError('conflict', 'The batch was accepted before.');
  }
  if (telling.nowMs > batch.acceptableUntilMs) {
    throw new AppError('conflict', 'The verdict is too old; upload the batch again.');
  }
  const wrong = batch.lineCount - batch.validCount;
  if (wrong > 0 && !given.acceptValid) {
    const detail = `${wrong} of ${batch.lineCount} lines are wrong. Mend them, or send acceptValid.`;
    throw new AppError('conflict', detail);
  }
  const repeated = batch.lines.filter(({ verdict }) => verdict.duplicateOf !== null);
  if (repeated.length > 0 && !given.acceptDuplicates && !given.acceptValid) {
    const detail = `${repeated.length} lines repeat an earlier one. Take them out, or send acceptDuplicates.`;
    throw new AppError('conflict', detail);
  }
  const chosen = batch.lines.flatMap(({ verdict, terms }) =>
    terms === null || (verdict.duplicateOf !== null && !given.acceptDuplicates) ? [] : [terms],
  );
  if (chosen.length === 0) throw new AppError('conflict', 'No line of the batch is valid.');
  const { merchantId, createdBy } = given;
  const { id: batchId, walletId } = batch;
  const common = {
    ...({ merchantId, createdBy, source: 'batch', batchId } as const),
    walletId: walletId ?? undefined,
  };
  const payouts: Payout[] = [];
  for (let at = 0; at < chosen.length; at += LINES_AT_ONCE) {
    const lines = chosen.slice(at, at + LINES_AT_ONCE).map((kept) => ({
      terms: termsOf(kept),
      ...(kept.externalId === null ? {} : { externalId: kept.externalId }),
      ...(kept.description === null ? {} : { description: kept.description }),
    }));
    payouts.push(...(await createPayouts(tx, deps, telling, common, lines)));
  }
  await markBatchAccepted(tx, given, telling.nowMs);
  return { batch: { ...batch, acceptedAtMs: telling.nowMs }, payouts };
}

export function noSuchBatch(): AppError {
  return new AppError('not_found', 'There is no such batch.');
}

export function batchJson(batch: BatchFacts): BatchJson {
  return {
    id: batch.id,
    name: batch.name,
    state: batch.acceptedAtMs === null ? 'checked' : 'accepted',
    lines: batch.lineCount,
    validLines: batch.validCount,
    duplicateLines: batch.duplicateCount,
    totalSats: batch.totalSats.toString(),
    acceptableUntil: new Date(batch.acceptableUntilMs).toISOString(),
    createdAt: new Date(batch.createdAtMs).toISOString(),
    acceptedAt: batch.acceptedAtMs === null ? null : new Date(batch.acceptedAtMs).toISOString(),
  };
}

export function verdictJson(batch: Batch): PayoutBatchVerdict {
  return { ...batchJson(batch), verdict: batch.lines.map(({ verdict }) => verdict) };
}
