import { assert, type Sats } from '@quittance/kernel';
import { type FeeRate, feeFor, MIN_RELAY_FEE_RATE } from './fee-rate.ts';

/** A transaction with all its unconfirmed ancestors, or descendants: at most so many … */
export const MAX_PACKAGE_TRANSACTIONS = 25;
/** … and so large together (Bitcoin Core: -limitancestorsize, -limitdescendantsize). */
export const MAX_PACKAGE_VSIZE = 101_000;
/** Largest transaction that nodes relay (Bitcoin Core: MAX_STANDARD_TX_WEIGHT). */
export const MAX_STANDARD_WEIGHT = 400_000;

/** What a replacement has to outbid (BIP125). */
export interface Replaced {
  /** Fees of the transactions that leave the mempool: the replaced ones and all their descendants. */
  readonly feesSats: Sats;
  /** Highest rate of those that are replaced directly; the replacement must pay more. */
  readonly feeRate: FeeRate;
  /** The node's incrementalrelayfee. Default: {@link MIN_RELAY_FEE_RATE}. */
  readonly incrementalFeeRate?: FeeRate;
}

/**
 * The least fee with which a transaction of this size replaces others: it pays for itself what they
 * paid together and its own relay on top (BIP125 rules 3 and 4), and a higher rate than each of
 * those it replaces directly (Bitcoin Core's addition).
 */
export function replacementFee(replaced: Replaced, vsize: number): Sats {
  const increment = feeFor(replaced.incrementalFeeRate ?? MIN_RELAY_FEE_RATE, vsize);
  const outbid = replaced.feesSats + increment;
  const faster = feeFor(replaced.feeRate + 1n, vsize);
  return outbid > faster ? outbid : faster;
}

/** Unconfirmed transactions that a child is to take along, all of them together. */
export interface Ancestors {
  readonly feesSats: Sats;
  readonly vsize: number;
  readonly transactions: number;
}

export type ChildFee =
  | { ok: true; feeSats: Sats }
  | { ok: false; code: 'package_too_large'; reason: string };

/**
 * The fee of a child that lifts itself and its ancestors to a rate (child pays for parent): the
 * package's fee at that rate less what the ancestors pay, and never less than its own at that rate,
 * because miners look at ancestors that pay more on their own account first.
 */
export function childFee(
  ancestors: Ancestors,
  child: { vsize: number; feeRate: FeeRate },
): ChildFee {
  assert(ancestors.vsize >= 0 && child.vsize > 0, 'childFee: bad size');
  const vsize = ancestors.vsize + child.vsize;
  if (ancestors.transactions + 1 > MAX_PACKAGE_TRANSACTIONS || vsize > MAX_PACKAGE_VSIZE) {
    const reason =
      `nodes relay a chain of at most ${MAX_PACKAGE_TRANSACTIONS} unconfirmed transactions with ` +
      `${MAX_PACKAGE_VSIZE} virtual bytes together`;
    return { ok: false, code: 'package_too_large', reason };
  }
  const own = feeFor(child.feeRate, child.vsize);
  const rest = feeFor(child.feeRate, vsize) - ancestors.feesSats;
  return { ok: true, feeSats: rest > own ? rest : own };
}

/** What unconfirmed ancestors lack at a rate: the debt that a coin of theirs brings along. */
export function ancestorDebt(ancestors: Ancestors, feeRate: FeeRate): Sats {
  const lack = feeFor(feeRate, ancestors.vsize) - ancestors.feesSats;
  return lack > 0n ? lack : 0n;
}
