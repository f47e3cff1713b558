import { toHex } from '@quittance/kernel';
import { type ApprovalTerms, generateApprover, signApproval } from '../approval.ts';
import type { PayoutRequest, SignParams } from '../protocol.ts';
import { OUTPUT } from '../psbt/psbt.ts';
import { join, vector } from '../psbt/sighash.ts';
import type { RefusalCode } from '../refusals.ts';
import { ownScript } from '../wallets.ts';
import {
  approvedBy,
  type Case,
  type Cast,
  coinsOf,
  DENIED_SCRIPT,
  FOUR_EYES_SATS,
  honestReturn,
  LARGEST_SATS,
  MAX_OUTPUTS,
  SMALL_SATS,
  toParams,
} from './cases.ts';
import { changeOutput, derivation, makeCoin, p2wpkh } from './requests.ts';

/** Something that a server may not get away with. */
export type Attack = {
  name: string;
  /** How it must be refused: with one of these. */
  codes: readonly RefusalCode[];
  /** Makes a bad request of a good one; null when this case gives no chance for it. */
  apply: (good: Case, cast: Cast) => SignParams | null;
};

export function attack(
  name: string,
  codes: RefusalCode | readonly RefusalCode[],
  apply: Attack['apply'],
): Attack {
  return { name, codes: typeof codes === 'string' ? [codes] : codes, apply };
}

/** An attack that changes the parts of the case in place. */
export function tamper(
  name: string,
  codes: RefusalCode | readonly RefusalCode[],
  change: (good: Case, cast: Cast) => unknown,
): Attack {
  return attack(name, codes, (good, cast) => (change(good, cast) === null ? null : toParams(good)));
}

const changeOf = ({ draft }: Case) => draft.outputs.find((each) => each.place !== undefined);
const firstPaid = ({ draft }: Case) => draft.outputs.find((each) => each.place === undefined);
const changeVout = ({ draft }: Case) => draft.outputs.findIndex((each) => each.place !== undefined);

const outputAttacks: readonly Attack[] = [
  tamper('foreign change', 'output_unknown', (good, { salt }) => {
    Object.assign(changeOf(good) ?? {}, { script: p2wpkh(salt()), place: undefined });
  }),
  tamper('foreign change that claims our path', 'change_not_ours', (good, { salt }) => {
    const vout = changeVout(good);
    const place = changeOf(good)?.place;
    const { wallet } = good.draft;
    Object.assign(changeOf(good) ?? {}, { script: p2wpkh(salt()), place: undefined });
    good.draft.edit = ({ outputs }) => {
      const types = { plain: OUTPUT.bip32Derivation, taproot: OUTPUT.tapBip32Derivation };
      const own = ownScript(wallet, place ?? { branch: 1, index: 0 });
      outputs[vout]?.push(derivation(wallet, own, types));
    };
  }),
  tamper('change to a wallet of the same type of somebody else', 'output_unknown', (good, cast) => {
    const { kind } = good.draft.wallet.descriptor;
    const other = cast.strangers.find((each) => each.descriptor.kind === kind);
    const change = changeOf(good);
    if (other === undefined || change === undefined) return null;
    change.script = ownScript(other, { branch: 1, index: 0 }).script;
    const vout = changeVout(good);
    Object.assign(change, { place: undefined });
    good.draft.edit = ({ outputs }) => {
      const types = { plain: OUTPUT.bip32Derivation, taproot: OUTPUT.tapBip32Derivation };
      outputs[vout]?.push(derivation(other, ownScript(other, { branch: 1, index: 0 }), types));
    };
    return good;
  }),
  tamper('change to a receiving address', 'output_unknown', (good) => {
    const change = changeOf(good);
    if (change === undefined) return;
    const place = { branch: 0, index: change.place?.index ?? 0 };
    Object.assign(change, { place, script: ownScript(good.draft.wallet, place).script });
  }),
  tamper('change at an index that no restore finds', 'change_index_too_far', (good, { random }) => {
    const index = 5_000 + random.below(2_000_000_000);
    const change = changeOf(good);
    Object.assign(change ?? {}, changeOutput(good.draft.wallet, index, change?.amountSats ?? 0n));
  }),
  tamper('swapped output after approval', ['output_unknown'], (good, { salt }) => {
    Object.assign(firstPaid(good) ?? {}, { script: p2wpkh(salt()) });
  }),
  tamper('amount raised after approval', 'output_unknown', (good) => {
    const [paid, change] = [firstPaid(good), changeOf(good)];
    if (paid === undefined || change === undefined) return;
    paid.amountSats += 2_001n;
    change.amountSats -= 2_001n;
  }),
  tamper('amount lowered after approval', 'output_unknown', (good) => {
    const [paid, change] = [firstPaid(good), changeOf(good)];
    if (paid === undefined || change === undefined) return;
    paid.amountSats -= 2_001n;
    change.amountSats += 2_001n;
  }),
  tamper('amounts of two payouts exchanged', 'output_unknown', (good) => {
    const [one, two] = good.draft.outputs.filter((each) => each.place === undefined);
    if (one === undefined || two === undefined) return null;
    const difference = one.amountSats - two.amountSats;
    if (difference < 3_000n && difference > -3_000n) return null;
    [one.amountSats, two.amountSats] = [two.amountSats, one.amountSats];
    return good;
  }),
  tamper('payout left out', 'payout_missing', (good) => {
    const at = good.draft.outputs.findIndex((each) => each.place === undefined);
    const [taken] = good.draft.outputs.splice(at, 1);
    const change = changeOf(good);
    if (change !== undefined) change.amountSats += taken?.amountSats ?? 0n;
  }),
  tamper('two payouts for one output', 'payout_missing', (good, cast) => {
    const [payout] = good.payouts;
    if (payout === undefined) return;
    const { approvals: _, ...terms } = payout;
    const again = { ...terms, payoutId: cast.random.uuid() };
    good.payouts.push(
      approvedBy(cast, good.draft.wallet, again, Object.values(cast.approvers).slice(0, 2)),
    );
  }),
  tamper('extra output to nobody approved', 'output_unknown', (good, { salt }) => {
    const change = changeOf(good);
    if (change !== undefined) change.amountSats -= 1_000n;
    good.draft.outputs.push({ script: p2wpkh(salt()), amountSats: 1_000n });
  }),
  tamper('extra output with data (OP_RETURN)', 'output_unknown', (good, { random }) => {
    const data = random.bytes(1 + random.below(70));
    good.draft.outputs.push({
      script: join(Uint8Array.of(0x6a), vector(data)),
      amountSats: 0n,
    });
  }),
  tamper('approved payout to data (OP_RETURN)', 'destination_type', (good, cast) =>
    redirect(good, cast, join(Uint8Array.of(0x6a, 4), cast.random.bytes(4))),
  ),
  tamper('approved payout to a witness version without meaning', 'destination_type', (good, cast) =>
    redirect(good, cast, join(Uint8Array.of(0x52, 32), cast.random.bytes(32))),
  ),
  tamper('destination on the deny-list', 'destination_forbidden', (good, cast) =>
    redirect(good, cast, Uint8Array.from(Buffer.from(DENIED_SCRIPT, 'hex'))),
  ),
  tamper('wallet ground to dust', 'too_many_outputs', (good) => {
    const { wallet, outputs } = good.draft;
    outputs.splice(0, outputs.length);
    const [paid] = good.payouts;
    good.kind = 'consolidation';
    good.payouts = [];
    const sats = BigInt(paid?.amountSats ?? '0') / 20n;
    for (let i = 0; i < 11; i++) outputs.push(changeOutput(wallet, i, sats));
  }),
  tamper('too many outputs', 'too_many_outputs', (good) => {
    const { wallet, outputs } = good.draft;
    while (outputs.length <= MAX_OUTPUTS)
      outputs.push(changeOutput(wallet, outputs.length, 1_000n));
  }),
];

const feeAttacks: readonly Attack[] = [
  tamper(
    'excess fee',
    ['fee_too_high', 'fee_rate_too_high', 'fee_share_of_amount_too_high'],
    (good) => {
      const change = changeOf(good);
      if (change === undefined || change.amountSats < 200_000n) return null;
      change.amountSats = 1_000n;
      return good;
    },
  ),
  tamper(
    'fee rate just above the ceiling',
    ['fee_rate_too_high', 'fee_too_high', 'fee_share_of_amount_too_high'],
    (good, cast) => {
      good.draft.coins.push(...coinsOf(cast, good.draft.wallet, { count: 1, total: 120_000n }));
    },
  ),
  tamper('outputs exceed inputs', 'fee_negative', (good) => {
    const change = changeOf(good);
    if (change !== undefined) change.amountSats += good.feeSats + 1n;
  }),
  tamper('recipients bear more than the fee', 'fee_share_too_high', (good, cast) => {
    // Everybody agreed to bear up to 50,000; the server takes it and keeps it as change.
    const [payout] = good.payouts;
    const [paid, change] = [outputOf(good, payout), changeOf(good)];
    if (payout === undefined || paid === undefined || change === undefined) return null;
    const share = 50_000n;
    const terms = { ...payout, feeFrom: 'recipient' as const, maxFeeShareSats: String(share) };
    const { approvals: _, ...rest } = terms;
    good.payouts[0] = approvedBy(cast, good.draft.wallet, rest, [cast.approvers.first]);
    const taken = paid.amountSats - (BigInt(payout.amountSats) - share);
    paid.amountSats -= taken;
    change.amountSats += taken;
    return good;
  }),
  tamper(
    'consolidation that burns the wallet as fee',
    ['fee_too_high', 'fee_rate_too_high'],
    (good, cast) => {
      const back = honestReturn(cast, good.draft.wallet, 'consolidation');
      Object.assign(good, back);
      const [output] = good.draft.outputs;
      if (output === undefined || output.amountSats < 60_000n) return null;
      output.amountSats = 600n;
      return good;
    },
  ),
];

const approvalAttacks: readonly Attack[] = [
  tamper('no approval', 'approval_missing', (good) => edit(good, { approvals: [] })),
  tamper('duplicate approval', 'approval_duplicate', (good) => {
    const [payout] = good.payouts;
    const [approval] = payout?.approvals ?? [];
    if (payout === undefined || approval === undefined) return;
    edit(good, { approvals: [...payout.approvals, approval] });
  }),
  tamper('one approval where two are needed', 'approval_missing', (good, cast) =>
    raise(good, cast, FOUR_EYES_SATS + 1n, [cast.approvers.first]),
  ),
  tamper('payout above the largest amount', 'payout_too_large', (good, cast) =>
    raise(good, cast, LARGEST_SATS + 1n, [cast.approvers.first, cast.approvers.second]),
  ),
  tamper('approver beyond its limit', 'approval_over_approver_limit', (good, cast) =>
    raise(good, cast, SMALL_SATS + 1n, [cast.approvers.small]),
  ),
  tamper('approval by a stranger', 'approval_unknown_approver', (good, cast) =>
    reapprove(good, cast, [cast.stranger]),
  ),
  tamper('approval of a stranger under a known name', 'approval_invalid', (good, cast) => {
    const forged = { ...generateApprover(), id: cast.approvers.first.id };
    return reapprove(good, cast, [forged]);
  }),
  tamper('forged approval', 'approval_invalid', (good, { random }) => {
    const [payout] = good.payouts;
    const [approval, ...rest] = payout?.approvals ?? [];
    if (approval === undefined) return;
    const bytes = Buffer.from(approval.signature, 'hex');
    const at = random.below(64);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    edit(good, { approvals: [{ ...approval, signature: bytes.toString('hex') }, ...rest] });
  }),
  tamper('approval of another payout', 'approval_invalid', (good, cast) => {
    const [payout] = good.payouts;
    if (payout === undefined) return;
    const { approvals: _, ...terms } = payout;
    const other = { ...terms, payoutId: cast.random.uuid() };
    const { approvals } = approvedBy(cast, good.draft.wallet, other, [cast.approvers.first]);
    edit(good, { approvals });
  }),
  ...(['network', 'wallet', 'script', 'amountSats', 'maxFeeShareSats'] as const).map((field) =>
    tamper(`approval for another ${field}`, 'approval_invalid', (good, cast) => {
      const values = {
        network: 'mainnet' as const,
        wallet: 'other',
        script: toHex(p2wpkh(cast.salt())),
        amountSats: '54321',
        maxFeeShareSats: '7',
      };
      return resign(good, cast, { [field]: values[field] });
    }),
  ),
  tamper('fee put on the recipient after approval', 'approval_invalid', (good) => {
    const [payout] = good.payouts;
    if (payout?.feeFrom !== 'sender') return null;
    return edit(good, { feeFrom: 'recipient', maxFeeShareSats: '500' });
  }),
  tamper('expired approval', 'approval_expired', (good, cast) =>
    resign(good, cast, { expiresAtMs: cast.nowMs() - 1 }),
  ),
  tamper('expiry moved after signing', 'approval_invalid', (good, { nowMs }) => {
    const [payout] = good.payouts;
    const approvals = payout?.approvals.map((each) => ({
      ...each,
      expiresAtMs: nowMs() + 900_000,
    }));
    return edit(good, { approvals: approvals ?? [] });
  }),
  tamper('approval that lasts for ever', 'approval_lifetime', (good, cast) =>
    resign(good, cast, { expiresAtMs: cast.nowMs() + 400 * 86_400_000 }),
  ),
];

/** Everything about outputs, fees and approvals; inputs and bytes are in their own file. */
export const moneyAttacks: readonly Attack[] = [
  ...outputAttacks,
  ...feeAttacks,
  ...approvalAttacks,
];

/** The output that pays a payout. */
function outputOf(good: Case, payout: PayoutRequest | undefined) {
  return good.draft.outputs.find(
    (each) => each.place === undefined && toHex(each.script) === payout?.script,
  );
}

/** Changes fields of the first payout. */
function edit(good: Case, fields: Partial<PayoutRequest>): void {
  const [payout] = good.payouts;
  if (payout !== undefined) good.payouts[0] = { ...payout, ...fields };
}

/** Lets others approve the first payout. */
function reapprove(good: Case, cast: Cast, approvers: Parameters<typeof approvedBy>[3]): void {
  const [payout] = good.payouts;
  if (payout === undefined) return;
  const { approvals: _, ...terms } = payout;
  good.payouts[0] = approvedBy(cast, good.draft.wallet, terms, approvers);
}

/** Approves something slightly else than the first payout. */
function resign(good: Case, cast: Cast, other: Partial<ApprovalTerms>): void {
  const [payout] = good.payouts;
  if (payout === undefined) return;
  const { approvals: _, ...terms } = payout;
  const signed: ApprovalTerms = {
    ...{ network: 'regtest', wallet: good.draft.wallet.name, ...terms },
    ...{ expiresAtMs: cast.nowMs() + 600_000, ...other },
  };
  edit(good, { approvals: [signApproval(cast.approvers.first, signed)] });
}

/** Sends the first payout elsewhere, with everybody's approval. */
function redirect(good: Case, cast: Cast, script: Uint8Array): void {
  const [payout] = good.payouts;
  const paid = outputOf(good, payout);
  if (payout === undefined || paid === undefined) return;
  paid.script = script;
  const { approvals: _, ...terms } = payout;
  const { first, second } = cast.approvers;
  const other = { ...terms, script: toHex(script) };
  good.payouts[0] = approvedBy(cast, good.draft.wallet, other, [first, second]);
}

/** Raises the first payout's amount, with the coins for it and these approvals. */
function raise(
  good: Case,
  cast: Cast,
  amount: bigint,
  approvers: Parameters<typeof approvedBy>[3],
) {
  const [payout] = good.payouts;
  const paid = outputOf(good, payout);
  if (payout === undefined || paid === undefined) return;
  const { wallet, coins } = good.draft;
  const more = amount - paid.amountSats;
  paid.amountSats = amount;
  if (more > 0n) {
    coins.push(makeCoin(wallet, { branch: 0, index: 1, amountSats: more, salt: cast.salt() }));
  }
  const { approvals: _, ...terms } = payout;
  const raised = { ...terms, amountSats: String(amount) };
  good.payouts[0] = approvedBy(cast, wallet, raised, approvers);
}
