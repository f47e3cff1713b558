import { createHash } from 'node:crypto';
import { field, type Leg, type Transfer } from './transfer.ts';

/** What the first transfer of a book has as prev_hash. */
export const GENESIS_HASH = new Uint8Array(32);

/**
 * The hash of a recorded transfer, written from the README and not from the SQL: two programs
 * that agree on it keep each other honest.
 * @param prevHash hash of the transfer before it, GENESIS_HASH for the first
 */
export function chainHash(
  prevHash: Uint8Array,
  transfer: Transfer & { sequence: bigint },
): Uint8Array {
  const text =
    field(transfer.sequence.toString()) +
    field(transfer.recordedAtMs.toString()) +
    encodeTransfer(transfer);
  return createHash('sha256').update(prevHash).update(text, 'utf8').digest();
}

/** What a transfer says, without its place in the journal: what a retry must repeat exactly. */
export function encodeTransfer(transfer: Transfer): string {
  const reference = Object.entries(transfer.reference).sort(([a], [b]) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  return [
    field('quittance-ledger-1'),
    field(transfer.bookId),
    field(transfer.id),
    field(transfer.template),
    field(transfer.phase),
    field(transfer.pendingId ?? ''),
    field(transfer.effectiveAtMs.toString()),
    field(reference.length.toString()),
    ...reference.flatMap(([key, value]) => [field(key), field(value)]),
    encodeLegs(transfer.legs),
  ].join('');
}

export function encodeLegs(legs: readonly Leg[]): string {
  return [
    field(legs.length.toString()),
    ...legs.flatMap(({ account, direction, amount }) => [
      field(account.code),
      field(account.asset),
      field(account.kind),
      field(account.floor ? 'floor' : 'free'),
      field(direction),
      field(amount.toString()),
    ]),
  ].join('');
}
