import { classifyScript } from '@quittance/bitcoin';
import { fromHex, toHex } from '@quittance/kernel';
import { OUTPUT, type Psbt } from '../psbt/psbt.ts';
import { Refusal } from '../refusals.ts';
import { CHANGE_BRANCH, ownScript, type Wallet } from '../wallets.ts';
import { statedPlaces } from './inputs.ts';
import type { Payout } from './request.ts';

/** An output that may leave. */
export type VerifiedOutput = { script: string; amountSats: bigint } & (
  | { role: 'change'; index: number }
  | { role: 'payout'; payoutId: string }
);

/**
 * Where change may go: so far beyond the highest index that was ever signed for. Change at a far
 * index would be ours and yet lost, since a restored wallet never looks there.
 */
export const MAX_CHANGE_GAP = 1_000;

/**
 * Most outputs of change in one transaction: more would grind the wallet into coins that cost more
 * to spend than they hold.
 */
export const MAX_CHANGE_OUTPUTS = 10;

/**
 * Makes sure that every output is either our change, derived here, or one approved payout, one to
 * one.
 * @param payouts empty for a transaction that returns everything
 * @throws {Refusal}
 */
export function verifyOutputs(
  psbt: Psbt,
  {
    wallet,
    payouts,
    maxChangeIndex,
  }: { wallet: Wallet; payouts: readonly Payout[]; maxChangeIndex: number },
): VerifiedOutput[] {
  const change = psbt.unsigned.outputs.map((_, vout) =>
    changeIndexOf(psbt, vout, { wallet, maxChangeIndex }),
  );
  if (change.filter((index) => index !== null).length > MAX_CHANGE_OUTPUTS) {
    throw new Refusal('too_many_outputs', `at most ${MAX_CHANGE_OUTPUTS} outputs are change`);
  }
  const left = new Map<string, Payout[]>();
  for (const payout of payouts) {
    left.set(payout.script, [...(left.get(payout.script) ?? []), payout]);
  }
  // Outputs in the order of their amounts, so that each takes the payout with the lowest ceiling
  // that fits: then, if any assignment exists, this one is found.
  const order = psbt.unsigned.outputs
    .map(({ valueSats, script }, vout) => ({ vout, amountSats: valueSats, script: toHex(script) }))
    .toSorted((a, b) => (a.amountSats < b.amountSats ? -1 : a.amountSats > b.amountSats ? 1 : 0));
  const outputs: VerifiedOutput[] = [];
  for (const { vout, amountSats, script } of order) {
    const index = change[vout];
    outputs[vout] =
      index === undefined || index === null
        ? { script, amountSats, role: 'payout', payoutId: take(left, { script, amountSats, vout }) }
        : { script, amountSats, role: 'change', index };
  }
  const missing = [...left.values()].flat()[0];
  if (missing !== undefined) {
    throw new Refusal('payout_missing', `no output pays payout ${missing.payoutId} as approved`);
  }
  return outputs;
}

/** Takes the payout out of those that are left. @throws {Refusal} output_unknown */
function take(
  left: Map<string, Payout[]>,
  { script, amountSats, vout }: { script: string; amountSats: bigint; vout: number },
): string {
  const waiting = left.get(script) ?? [];
  const fitting = waiting.filter(
    ({ amount, maxFeeShare }) => amountSats <= amount && amountSats >= amount - maxFeeShare,
  );
  const [first] = fitting.toSorted((a, b) => (a.amount < b.amount ? -1 : 1));
  if (first === undefined) {
    const what = waiting.length > 0 ? 'pays another amount than approved' : 'pays nobody approved';
    throw new Refusal('output_unknown', `output ${vout} ${what} and is no change of ours`);
  }
  left.set(
    script,
    waiting.filter((each) => each !== first),
  );
  return first.payoutId;
}

/** The index of our change, or null when the output claims to be none. */
function changeIndexOf(
  psbt: Psbt,
  vout: number,
  { wallet, maxChangeIndex }: { wallet: Wallet; maxChangeIndex: number },
): number | null {
  const output = psbt.unsigned.outputs[vout];
  const places = statedPlaces(psbt.outputs[vout] ?? [], wallet, {
    plain: OUTPUT.bip32Derivation,
    taproot: OUTPUT.tapBip32Derivation,
  }).filter(({ branch }) => branch === CHANGE_BRANCH);
  const [place] = places;
  if (place === undefined || output === undefined) return null;
  if (place.index > maxChangeIndex) {
    throw new Refusal(
      'change_index_too_far',
      `output ${vout} is change at index ${place.index}; now the highest is ${maxChangeIndex}`,
    );
  }
  if (toHex(ownScript(wallet, place).script) !== toHex(output.script)) {
    throw new Refusal(
      'change_not_ours',
      `output ${vout} claims to be change of wallet "${wallet.name}" and is not`,
    );
  }
  return place.index;
}

/** Types of scripts that are paid: those that an address can name and somebody can spend. */
const PAYABLE: ReadonlySet<string> = new Set(['p2pkh', 'p2sh', 'p2wpkh', 'p2wsh', 'p2tr']);

/** @throws {Refusal} destination_type, destination_forbidden */
export function checkDestination(
  payout: Payout,
  { allow, deny }: { allow: ReadonlySet<string> | null; deny: ReadonlySet<string> },
): void {
  const parts = classifyScript(fromHex(payout.script));
  if (parts === null || !PAYABLE.has(parts.kind)) {
    throw new Refusal(
      'destination_type',
      `payout ${payout.payoutId} goes to a script that no ordinary address has`,
    );
  }
  if (deny.has(payout.script)) {
    throw new Refusal(
      'destination_forbidden',
      `the destination of payout ${payout.payoutId} is on the deny-list`,
    );
  }
  if (allow !== null && !allow.has(payout.script)) {
    throw new Refusal(
      'destination_forbidden',
      `the destination of payout ${payout.payoutId} is not on the allow-list`,
    );
  }
}
