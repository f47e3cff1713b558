import { setTimeout as sleep } from 'node:timers/promises';
import type { Sats } from '@quittance/kernel';
import { BitcoinRpcError } from '../../../apps/server/src/platform/bitcoin-node/index.ts';
import type { PayoutIntention } from './audit-payouts.ts';
import type { createChainReader } from './chain-truth.ts';
import type { Dice } from './dice.ts';
import type { PayoutWorld } from './payout-world.ts';

/** A start with recovery, on a busy machine. */
export const READY_TIMEOUT_MS = 60_000;
/** RPC_WALLET_INSUFFICIENT_FUNDS of Bitcoin Core's src/rpc/protocol.h. */
const NO_FUNDS = -6;

/** A transaction of the owner's other software, which has the same keys and knows nothing of us. */
export type ForeignSpend = {
  readonly txid: string;
  /** Coins of ours that it takes, "txid:vout". */
  readonly coins: readonly string[];
  readonly takenSats: Sats;
  /** What of them comes back to an address of ours. */
  readonly returnedSats: Sats;
};

/** Everything that one run of the suite holds. */
export type PayoutRun = {
  readonly dice: Dice;
  readonly world: PayoutWorld;
  readonly intentions: PayoutIntention[];
  readonly violations: string[];
  readonly counts: Record<string, number>;
  readonly read: ReturnType<typeof createChainReader>;
  /** Fault points by name with how often one of them was the end of a process. */
  readonly struck: Map<string, number>;
  /** What the owner's other software made, whether it is in the chain or not. */
  readonly foreign: ForeignSpend[];
  /** Addresses of the wallet without an order. */
  readonly deposits: string[];
  step: string;
  made: number;
};

export function violate(all: PayoutRun, text: string): void {
  all.violations.push(`${all.step}: ${text}`);
}

export function count(all: PayoutRun, what: string, by = 1): void {
  all.counts[what] = (all.counts[what] ?? 0) + by;
}

/** The node is killed at times: what is asked of it meanwhile waits. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      // Its wallet has nothing to spend while what it sent is out of its mempool.
      const isAway =
        error instanceof BitcoinRpcError && (error.kind !== 'rpc' || error.code === NO_FUNDS);
      if (!isAway || performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
