import { sha256 } from '@noble/hashes/sha2.js';
import { displayHash, MalformedError, type Network } from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';
import type { LoggedOutput, LoggedPayout, SignedEvent } from './audit/entry.ts';
import { type State, termsHash, usage } from './audit/state.ts';
import { checkApprovals } from './checks/approvals.ts';
import { type VerifiedInput, verifyInputs } from './checks/inputs.ts';
import { checkFee, checkForm, checkWindows, costOf } from './checks/limits.ts';
import {
  checkDestination,
  MAX_CHANGE_GAP,
  type VerifiedOutput,
  verifyOutputs,
} from './checks/outputs.ts';
import type { Payout, SignRequest } from './checks/request.ts';
import type { Policy } from './policy/policy.ts';
import { parsePsbt, type Psbt } from './psbt/psbt.ts';
import { Refusal } from './refusals.ts';
import type { Wallet } from './wallets.ts';

/** Everything that a decision rests on; nothing else is looked at. */
export type Grounds = {
  network: Network;
  wallets: readonly Wallet[];
  policy: Policy;
  state: State;
  nowMs: number;
};

/** A request that may be signed. */
export type Verdict = {
  wallet: Wallet;
  psbt: Psbt;
  inputs: readonly VerifiedInput[];
  event: Omit<SignedEvent, 'complete'>;
};

/** @throws {Refusal} psbt_malformed */
export function readPsbt(bytes: Uint8Array): Psbt {
  return orMalformed(() => parsePsbt(bytes));
}

/**
 * Decides about one request: a pure function of the request and the grounds.
 *
 * A request that was signed before, with the same id and content, is signed again whatever the
 * policy and the clock say now: its signature may be out already. Inputs and outputs are checked
 * every time, since signing needs what the checks find out.
 * @throws {Refusal} with the first thing that is wrong
 */
export function decide(request: SignRequest, psbt: Psbt, grounds: Grounds): Verdict {
  const { network, policy, state, nowMs } = grounds;
  const wallet = grounds.wallets.find((each) => each.name === request.wallet);
  if (wallet === undefined) {
    throw new Refusal('unknown_wallet', `there is no wallet "${request.wallet}"`);
  }
  const digest = digestOf(request);
  const before = state.requests.get(request.requestId);
  if (before !== undefined && before !== digest) {
    throw new Refusal('request_id_reused', 'this request id was used for another request');
  }
  const isRepeated = before !== undefined;
  if (!isRepeated) checkForm(psbt.unsigned, { policy, network, nowMs });
  const inputs = orMalformed(() => verifyInputs(psbt, wallet));
  const paid = request.kind === 'payouts' ? request.payouts : [];
  const outputs = orMalformed(() =>
    verifyOutputs(psbt, { wallet, payouts: paid, maxChangeIndex: maxChangeIndex(wallet, state) }),
  );
  const unsignedBytes = psbt.rawUnsigned.length;
  const payouts = request.payouts.map((each) => payoutFacts(each, { request, inputs, state }));
  // The amounts as approved, not as paid: a later replacement may pay the recipient more.
  const fresh = payouts.filter(({ again }) => !again && request.kind === 'payouts');
  const paidSats = fresh.reduce((sum, each) => sum + BigInt(each.sats), 0n);
  const cost = costOf({ inputs, outputs }, { wallet, unsignedBytes });
  let counted = { sats: 0n, count: 0 };
  if (!isRepeated) {
    for (const payout of paid) {
      checkDestination(payout, policy);
      if (payout.amount > policy.perPayoutMaxSats) {
        throw new Refusal(
          'payout_too_large',
          `payout ${payout.payoutId} exceeds ${policy.perPayoutMaxSats} sat`,
        );
      }
      checkApprovals(payout, { policy, network, wallet: wallet.name, nowMs });
    }
    checkFee(cost, { outputs, request, policy });
    counted = { sats: paidSats + cost.feeSats, count: fresh.length };
    checkWindows(policy, (seconds) => usage(state, { nowMs, seconds }), counted);
  }
  const event: Verdict['event'] = {
    method: 'sign',
    decision: 'signed',
    requestId: request.requestId,
    digest,
    wallet: wallet.name,
    kind: request.kind,
    txid: displayHash(psbt.unsigned.txid),
    inputs: inputs.map(({ outpoint }) => outpoint),
    outputs: outputs.map(loggedOutput),
    payouts,
    feeSats: String(cost.feeSats),
    vsize: cost.vsize,
    approvers: [...new Set(paid.flatMap((each) => each.approvals.map((one) => one.approver)))],
    countedSats: String(counted.sats),
    countedPayouts: counted.count,
  };
  return { wallet, psbt, inputs, event };
}

/**
 * Never twice: a payout that was signed before is signed again only in a transaction that spends
 * what all earlier ones spend, so that at most one of them can be mined. This rests on our own
 * record alone, whatever the server remembers.
 */
function payoutFacts(
  payout: Payout,
  {
    request,
    inputs,
    state,
  }: { request: SignRequest; inputs: readonly VerifiedInput[]; state: State },
): LoggedPayout {
  const { payoutId: id, amountSats: sats } = payout;
  const terms = termsHash(request.wallet, payout);
  const before = state.payouts.get(id);
  if (before === undefined) {
    if (request.kind === 'cancel') {
      throw new Refusal('nothing_to_cancel', `payout ${id} was never signed`);
    }
    return { id, terms, sats, again: false };
  }
  if (before.terms !== terms) {
    throw new Refusal(
      'payout_changed',
      `payout ${id} was signed before with another wallet, destination or amount`,
    );
  }
  const spent = new Set(inputs.map(({ outpoint }) => outpoint));
  if (!before.common.some((outpoint) => spent.has(outpoint))) {
    throw new Refusal(
      'payout_already_signed',
      `payout ${id} was signed before; a replacement must spend ${before.common[0]}`,
    );
  }
  return { id, terms, sats, again: true };
}

/** The highest index that change may have now. */
export function maxChangeIndex(wallet: Wallet, state: State): number {
  const highest = state.changeIndexes.get(wallet.name) ?? -1;
  return Math.max(wallet.firstChangeIndex, highest + 1) + MAX_CHANGE_GAP;
}

/** Names a request's content. Approvals may be renewed between two tries. */
export function digestOf({ wallet, kind, psbt, payouts }: SignRequest): string {
  const terms = payouts.map(({ payoutId, script, amountSats, feeFrom, maxFeeShareSats }) => [
    ...[payoutId, script, amountSats, feeFrom, maxFeeShareSats],
  ]);
  const text = JSON.stringify([wallet, kind, toHex(sha256(psbt)), terms]);
  return toHex(sha256(new TextEncoder().encode(text)));
}

/** What outputs look like in the log when they could not be checked. */
export function uncheckedOutputs({ unsigned }: Psbt, limit: number): LoggedOutput[] {
  return unsigned.outputs.slice(0, limit).map(({ valueSats, script }) => ({
    script: toHex(script.subarray(0, 64)),
    sats: String(valueSats),
    role: 'unchecked',
  }));
}

function loggedOutput(output: VerifiedOutput): LoggedOutput {
  const { script, amountSats, role } = output;
  const common = { script, sats: String(amountSats), role };
  return role === 'change'
    ? { ...common, index: output.index }
    : { ...common, payoutId: output.payoutId };
}

function orMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new Refusal('psbt_malformed', `the PSBT is not well formed: ${error.message}`);
  }
}
