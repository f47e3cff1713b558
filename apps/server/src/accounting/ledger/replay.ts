import { toHex, type Uuid } from '@quittance/kernel';
import { chainHash, encodeLegs, GENESIS_HASH } from './encoding.ts';
import type { AccountDefinition, Leg, Phase, RecordedTransfer } from './transfer.ts';

export type BreakReason =
  | 'sequence'
  | 'chain'
  | 'hash'
  | 'time'
  | 'reference'
  | 'legs'
  | 'unbalanced'
  | 'pending'
  | 'floor'
  | 'head'
  | 'counters'
  | 'anchor';

/** Where a journal stops being what was recorded. */
export type Break = {
  sequence: bigint;
  transferId?: Uuid;
  reason: BreakReason;
  detail: string;
};

export type Counters = {
  debitsPosted: bigint;
  creditsPosted: bigint;
  debitsPending: bigint;
  creditsPending: bigint;
};

/** What is known after the transfers so far; grows with the number of accounts only. */
export type Replay = {
  sequence: bigint;
  hash: Uint8Array;
  recordedAtMs: number;
  counters: Map<string, Counters>;
};

/** What a post or void resolves, as the journal has it. */
export type Resolved = { pending: RecordedTransfer; resolutions: bigint };

export function startReplay(): Replay {
  return { sequence: 0n, hash: GENESIS_HASH, recordedAtMs: 0, counters: new Map() };
}

/**
 * Takes in the next transfer of the journal, or says what is wrong with it. Recomputes everything
 * from the rows; shares no code with what posted them.
 */
export function replayTransfer(
  replay: Replay,
  transfer: RecordedTransfer,
  resolved: Resolved | undefined,
): Break | undefined {
  const found = (reason: BreakReason, detail: string): Break => ({
    sequence: transfer.sequence,
    transferId: transfer.id,
    reason,
    detail,
  });
  const expected = replay.sequence + 1n;
  if (transfer.sequence !== expected) {
    return { ...found('sequence', `${expected} is missing`), sequence: expected };
  }
  if (toHex(transfer.prevHash) !== toHex(replay.hash)) {
    return found('chain', 'prev_hash is not the hash of the transfer before');
  }
  if (Object.values(transfer.reference).some((value) => typeof value !== 'string')) {
    return found('reference', 'a reference is not a text');
  }
  if (toHex(chainHash(replay.hash, transfer)) !== toHex(transfer.hash)) {
    return found('hash', 'the content is not what was hashed');
  }
  if (transfer.recordedAtMs < replay.recordedAtMs) return found('time', 'recorded_at goes back');
  if (transfer.legs.length < 2) return found('legs', 'fewer than two legs');
  const asset = findUnbalanced(transfer.legs);
  if (asset !== undefined) return found('unbalanced', `debits and credits in ${asset} differ`);
  const fault = findPendingFault(transfer, resolved);
  if (fault !== undefined) return found('pending', fault);
  for (const leg of transfer.legs) applyLeg(replay.counters, leg, transfer.phase);
  for (const { account } of transfer.legs) {
    const counters = replay.counters.get(account.code);
    if (counters !== undefined && isBelowFloor(account, counters)) {
      return found('floor', `${account.code} is below zero`);
    }
  }
  replay.sequence = transfer.sequence;
  replay.hash = transfer.hash;
  replay.recordedAtMs = transfer.recordedAtMs;
  return undefined;
}

function findUnbalanced(legs: readonly Leg[]): string | undefined {
  const sums = new Map<string, bigint>();
  for (const { account, direction, amount } of legs) {
    const signed = direction === 'debit' ? amount : -amount;
    sums.set(account.asset, (sums.get(account.asset) ?? 0n) + signed);
  }
  for (const [asset, sum] of sums) if (sum !== 0n) return asset;
  return undefined;
}

function findPendingFault(
  transfer: RecordedTransfer,
  resolved: Resolved | undefined,
): string | undefined {
  const resolves = transfer.phase === 'post' || transfer.phase === 'void';
  if (resolves !== (transfer.pendingId !== undefined)) return 'phase and pending_id disagree';
  if (!resolves) return undefined;
  if (resolved === undefined) return 'what it resolves is missing';
  const { pending, resolutions } = resolved;
  if (pending.phase !== 'pending') return 'what it resolves is not pending';
  if (pending.sequence >= transfer.sequence) return 'it resolves something later';
  if (resolutions !== 1n) return `${resolutions} transfers resolve the same pending one`;
  if (encodeLegs(pending.legs) !== encodeLegs(transfer.legs)) {
    return 'its legs are not those of the pending transfer';
  }
  return undefined;
}

function applyLeg(counters: Map<string, Counters>, leg: Leg, phase: Phase): void {
  const before = counters.get(leg.account.code) ?? NO_MONEY;
  const posted = phase === 'single' || phase === 'post' ? leg.amount : 0n;
  let pending = 0n;
  if (phase === 'pending') pending = leg.amount;
  if (phase === 'post' || phase === 'void') pending = -leg.amount;
  counters.set(
    leg.account.code,
    leg.direction === 'debit'
      ? {
          ...before,
          debitsPosted: before.debitsPosted + posted,
          debitsPending: before.debitsPending + pending,
        }
      : {
          ...before,
          creditsPosted: before.creditsPosted + posted,
          creditsPending: before.creditsPending + pending,
        },
  );
}

const NO_MONEY: Counters = {
  debitsPosted: 0n,
  creditsPosted: 0n,
  debitsPending: 0n,
  creditsPending: 0n,
};

function isBelowFloor({ floor, kind }: AccountDefinition, counters: Counters): boolean {
  if (!floor) return false;
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = counters;
  return kind === 'asset' || kind === 'expense'
    ? debitsPosted - creditsPosted - creditsPending < 0n
    : creditsPosted - debitsPosted - debitsPending < 0n;
}
