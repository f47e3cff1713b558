import { createHash } from 'node:crypto';
import { formatUuid, MAX_INT64, type Uuid } from '@quittance/kernel';
import { LedgerError } from './errors.ts';

export type AccountKind = 'asset' | 'liability' | 'equity' | 'income' | 'expense';

/**
 * What an account is. The code names it inside its book; one account holds one asset. The account
 * is opened when a transfer first names it and its definition never changes after.
 */
export type AccountDefinition = {
  code: string;
  /** 'BTC' counts in msat, an ISO 4217 code in its minor units. */
  asset: string;
  kind: AccountKind;
  /** Must not go below zero, with what is pending against it counted as gone. */
  floor: boolean;
};

export type Direction = 'debit' | 'credit';

/** @property amount smallest units of the account's asset, more than zero */
export type Leg = { account: AccountDefinition; direction: Direction; amount: bigint };

/** 'single' counts at once; 'pending' is kept apart until a 'post' or a 'void' resolves it. */
export type Phase = 'single' | 'pending' | 'post' | 'void';

export type Transfer = {
  /** From transferId, so that a retry makes the same id. */
  id: Uuid;
  /** A merchant's book has the merchant's id. */
  bookId: Uuid;
  /** The business event that it books: the name of a file in templates/. */
  template: string;
  phase: Phase;
  /** What a 'post' or 'void' resolves; its legs must be exactly the pending transfer's. */
  pendingId?: Uuid;
  /** When it happened, as the event says. Part of what a retry must repeat. */
  effectiveAtMs: number;
  /** When it is recorded. The book moves it up when its clock is already later. */
  recordedAtMs: number;
  /** Whatever finds the event again: order, payment, epoch. */
  reference: Record<string, string>;
  legs: Leg[];
};

/** A field as a netstring: its length in UTF-8 bytes, a colon, the text, a comma. */
export function field(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}

/**
 * The id of the transfer that books one event: a UUID of version 8 (RFC 9562 §5.8) from the
 * SHA-256 of the template's name and what identifies the event, so that booking the event again
 * is a retry and not a second transfer.
 */
export function transferId(template: string, ...parts: string[]): Uuid {
  const text = ['quittance-transfer', template, ...parts].map(field).join('');
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return formatUuid(bytes);
}

/** A business event touches a handful of accounts; netting a cycle may touch many. */
const MAX_LEGS = 1_000;
/** References point to things, they do not carry them. */
const MAX_REFERENCE_FIELDS = 32;
const MAX_REFERENCE_LENGTH = 1_000;

/**
 * Checks what SQL can not say well: numbers that JSON would bend and text that PostgreSQL can not
 * hold. Everything else is the database's to check.
 * @throws {LedgerError} invalid_transfer, invalid_leg
 */
export function checkShape(transfer: Transfer): void {
  const refuse = (code: 'invalid_transfer' | 'invalid_leg', detail: string) => {
    throw new LedgerError(code, detail, { transferId: transfer.id });
  };
  for (const ms of [transfer.effectiveAtMs, transfer.recordedAtMs]) {
    if (!Number.isSafeInteger(ms) || ms < 0) refuse('invalid_transfer', `not a time: ${ms}`);
  }
  const texts = Object.entries(transfer.reference).flat();
  if (texts.length > 2 * MAX_REFERENCE_FIELDS) refuse('invalid_transfer', 'too many references');
  for (const text of texts) {
    if (text.length > MAX_REFERENCE_LENGTH) refuse('invalid_transfer', 'a reference is too long');
    if (text.includes('\0') || !text.isWellFormed()) {
      refuse('invalid_transfer', 'a reference is not storable text');
    }
  }
  if (transfer.legs.length > MAX_LEGS) refuse('invalid_transfer', 'too many legs');
  for (const { amount } of transfer.legs) {
    if (amount <= 0n || amount > MAX_INT64) refuse('invalid_leg', `not an amount: ${amount}`);
  }
}

export type RecordedTransfer = Transfer & {
  /** Place in the book's journal: 1, 2, 3 … without gaps. */
  sequence: bigint;
  prevHash: Uint8Array;
  hash: Uint8Array;
};
