import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@quittance/kernel';
import { MAX_WINDOW_SECONDS } from '../policy/policy.ts';
import type { AuditEntry, SignedEvent } from './entry.ts';

/** What the signer remembers: all of it follows from the log. */
export type State = {
  /** By payout id, for ever. */
  payouts: Map<string, SignedPayout>;
  /** Digests of the latest signed requests, by request id, oldest first. */
  requests: Map<string, string>;
  /** What was signed for, oldest first; one entry for each second. */
  spending: Spending[];
  /** Highest index of signed change, by wallet. */
  changeIndexes: Map<string, number>;
  /** Hashes of the policy and of the wallets that were installed last. */
  policy: string | null;
  wallets: string | null;
};

export type SignedPayout = {
  terms: string;
  /**
   * Outpoints that every transaction signed for this payout spends. There is always at least one,
   * so no two of those transactions can both be mined.
   */
  common: readonly string[];
};

export type Spending = { atMs: number; sats: bigint; count: number };

/**
 * Requests that can be repeated to get the same answer. A repetition comes within seconds or after
 * a restart; one that was forgotten is looked at as a new one, which is safe too.
 */
export const MAX_REMEMBERED_REQUESTS = 10_000;

export function emptyState(): State {
  return {
    payouts: new Map(),
    requests: new Map(),
    spending: [],
    changeIndexes: new Map(),
    policy: null,
    wallets: null,
  };
}

/** Names what must not change about a payout between two signatures. */
export function termsHash(wallet: string, payout: { script: string; amountSats: string }): string {
  const text = [wallet, payout.script, payout.amountSats].join('\n');
  return toHex(sha256(new TextEncoder().encode(text))).slice(0, 40);
}

/** Takes one entry in. */
export function applyEntry(state: State, entry: AuditEntry): void {
  if (entry.method === 'policy') state.policy = entry.policy;
  if (entry.method === 'wallets') state.wallets = entry.wallets;
  if (entry.method === 'sign' && entry.decision === 'signed') applySigned(state, entry);
}

function applySigned(state: State, entry: SignedEvent & { atMs: number }): void {
  const spent = new Set(entry.inputs);
  // Shared by the payouts of a batch, which are many.
  const all = entry.inputs;
  if (entry.kind === 'payouts') {
    for (const { id, terms } of entry.payouts) {
      const before = state.payouts.get(id);
      const common = before === undefined ? all : before.common.filter((each) => spent.has(each));
      state.payouts.set(id, { terms, common });
    }
  }
  for (const { role, index } of entry.outputs) {
    if (role !== 'change' || index === undefined) continue;
    const highest = state.changeIndexes.get(entry.wallet) ?? -1;
    state.changeIndexes.set(entry.wallet, Math.max(highest, index));
  }
  remember(state.requests, entry.requestId, entry.digest);
  const added = { sats: BigInt(entry.countedSats), count: entry.countedPayouts };
  if (added.sats > 0n || added.count > 0) addSpending(state, { atMs: entry.atMs, ...added });
}

function remember(requests: Map<string, string>, requestId: string, digest: string): void {
  requests.delete(requestId);
  requests.set(requestId, digest);
  const [oldest] = requests.keys();
  if (requests.size > MAX_REMEMBERED_REQUESTS && oldest !== undefined) requests.delete(oldest);
}

function addSpending(state: State, added: Spending): void {
  const last = state.spending.at(-1);
  if (last !== undefined && Math.floor(last.atMs / 1_000) === Math.floor(added.atMs / 1_000)) {
    last.atMs = Math.max(last.atMs, added.atMs);
    last.sats += added.sats;
    last.count += added.count;
  } else {
    state.spending.push({ ...added });
  }
  const horizon = added.atMs - 1_000 * MAX_WINDOW_SECONDS;
  const kept = state.spending.findIndex(({ atMs }) => atMs > horizon);
  // Taken off in larger pieces, so that it costs little each time.
  if (kept > 1_000) state.spending.splice(0, kept);
}

/**
 * What was signed for in the last `seconds`. What a clock that was wrong put into the future counts
 * too.
 */
export function usage(
  state: State,
  { nowMs, seconds }: { nowMs: number; seconds: number },
): { sats: bigint; count: number } {
  const from = nowMs - 1_000 * seconds;
  let sats = 0n;
  let count = 0;
  for (const each of state.spending) {
    if (each.atMs <= from) continue;
    sats += each.sats;
    count += each.count;
  }
  return { sats, count };
}
