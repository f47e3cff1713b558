import { toHex } from '@quittance/kernel';
import type { Transaction } from '../transaction.ts';

/** Fewest equal outputs of a coinjoin: Whirlpool makes 5, Wasabi more, JoinMarket 3 and more. */
const MIN_EQUAL_OUTPUTS = 3;
/** Larger mixes make outputs of several equal amounts; so many groups of them do not come by chance. */
const MIN_EQUAL_GROUPS = 3;
/** A person pays one or a few at once; a service collects payouts and pays them together. */
const MIN_BATCH_OUTPUTS = 10;
/** Many coins from many scripts are gathered by who received from many people. */
const MIN_GATHERED_SCRIPTS = 10;

type Spending = Pick<Transaction, 'inputs' | 'outputs'>;

/**
 * Reasons why a transaction looks like a coinjoin, where inputs of different people are mixed: then
 * its inputs' addresses are not the payer's. None is no proof of the opposite.
 */
export function looksLikeCoinjoin({ inputs, outputs }: Spending): string[] {
  const amounts = new Map<bigint, Set<string>>();
  for (const { valueSats, script } of outputs) {
    if (valueSats === 0n) continue;
    const scripts = amounts.get(valueSats) ?? new Set();
    amounts.set(valueSats, scripts.add(toHex(script)));
  }
  const sizes = [...amounts.values()].map(({ size }) => size);
  const largest = Math.max(0, ...sizes);
  const reasons: string[] = [];
  // Every participant brings an input, so there are at least as many.
  if (largest >= MIN_EQUAL_OUTPUTS && inputs.length >= largest) {
    reasons.push(`${largest} outputs have the same amount, and there are ${inputs.length} inputs`);
  }
  const groups = sizes.filter((size) => size >= 2).length;
  if (groups >= MIN_EQUAL_GROUPS && inputs.length >= MIN_EQUAL_OUTPUTS) {
    reasons.push(`${groups} amounts each occur several times among the outputs`);
  }
  return reasons;
}

/**
 * Reasons why a transaction looks like a payout of an exchange or another service: then its inputs'
 * addresses are the service's, and money sent there is not credited to the payer. None is no proof
 * of the opposite.
 * @param spentScripts scripts of the outputs that are spent, as far as they are known
 */
export function looksLikeExchangeBatch(
  { inputs, outputs }: Spending,
  spentScripts: readonly Uint8Array[] = [],
): string[] {
  const reasons: string[] = [];
  if (outputs.length >= MIN_BATCH_OUTPUTS) {
    reasons.push(`it pays ${outputs.length} outputs at once`);
  }
  const scripts = new Set(spentScripts.map(toHex)).size;
  if (scripts >= MIN_GATHERED_SCRIPTS) {
    reasons.push(`it gathers ${inputs.length} inputs from ${scripts} addresses`);
  }
  return reasons;
}
