import {
  ancestorDebt,
  antiFeeSniping,
  buildPsbt,
  type Descriptor,
  descriptorSizes,
  deriveScript,
  displayHash,
  dustLimit,
  type FeeRate,
  isNetwork,
  type Plan,
  parseDescriptor,
  parseTransaction,
  type Replaced,
  type Selection,
  selectCoins,
  shuffled,
} from '@quittance/bitcoin';
import { assert, type Clock, type Random, type Sats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import {
  readPreviousTransactions,
  readWalletForSpending,
  takeChangeIndex,
  type WalletForSpending,
} from '../coins/index.ts';
import type {
  ChangeOutput,
  FeeLimits,
  OutpointText,
  PayoutOutput,
  SpendReason,
  SpendVersion,
} from './spend.ts';
import { type OwnCoin, readTip, readTipTime } from './coin-store.ts';
import { isChainTooLarge, MAX_UNCONFIRMED_DEPTH, readFreeCoins } from './waiting-chains.ts';

/** Coins that a payout takes along at most when fees are low, and of how many free ones it takes one. */
const MAX_TIDIED_COINS = 50;
const TIDIED_PART = 8;
/** Payouts of one transaction: what fits well below the standard size with a dozen inputs. */
export const MAX_OUTPUTS = 2_000;

export type PlanDeps = { readonly clock: Clock; readonly random: Random };

/** What a transaction is to do. */
export type TransactionRequest = {
  merchantId: Uuid;
  walletId: Uuid;
  outputs: readonly PayoutOutput[];
  feeRate: FeeRate;
  longTermFeeRate: FeeRate;
  limits: FeeLimits;
  /** Coins that must be spent, and what they lack for their own way into a block. */
  must: readonly { coin: OwnCoin; ancestorDebtSats?: Sats }[];
  /** Whether other coins may be added. */
  mayAdd: boolean;
  replaces?: Replaced;
  /** Where the change of the version before went. */
  change?: { branch: 0 | 1; index: number } | null;
  version: number;
  purpose: SpendVersion['purpose'];
  /** Transactions that there are already, by their txid without signatures: it must be another. */
  differsFrom?: ReadonlySet<string>;
};

export type PlanRefusal = {
  readonly ok: false;
  readonly reason: SpendReason;
  /** A sentence for a person. */
  readonly detail: string;
  /** Those that stand in the way, where it is only some of them. */
  readonly payoutIds: readonly Uuid[];
};

/** A transaction that could be made; nothing is written for it yet. */
export type ChosenCoins = {
  readonly ok: true;
  readonly wallet: WalletForSpending;
  readonly descriptor: Descriptor;
  readonly plan: Plan;
  readonly coins: ReadonlyMap<OutpointText, { branch: 0 | 1; index: number; isConfirmed: boolean }>;
  readonly feeShares: Readonly<Record<Uuid, Sats>>;
};

/** Finds the coins and the fee. Reads only, so that it serves a dry run as well. */
export async function chooseCoins(
  tx: Tx,
  deps: PlanDeps,
  request: TransactionRequest,
): Promise<ChosenCoins | PlanRefusal> {
  const { outputs, feeRate, limits } = request;
  if (outputs.length > MAX_OUTPUTS) {
    return refusal('too_many_outputs', `at most ${MAX_OUTPUTS} payouts fit one transaction`);
  }
  if (feeRate > limits.maxFeeRate) {
    return refusal('fee_above_limit', 'fees are above the highest rate that is allowed');
  }
  const wallet = await readWalletForSpending(tx, request.walletId);
  assert(wallet?.merchantId === request.merchantId, 'the wallet is of another merchant');
  const descriptor = descriptorOf(wallet);
  const sizes = descriptorSizes(descriptor);
  const must = request.must.map(({ coin, ancestorDebtSats }) => ({
    ...{ id: coin.id, valueSats: coin.valueSats, input: sizes.input },
    unconfirmedDepth: coin.height === null ? 1 : 0,
    ...(ancestorDebtSats === undefined ? {} : { ancestorDebtSats }),
  }));
  const named = new Set(must.map(({ id }) => id));
  const spendable = request.mayAdd ? await readFreeCoins(tx, request) : [];
  const free = spendable.filter(({ txid, vout }) => !named.has(`${txid}:${vout}`));
  const select = (maxUnconfirmedDepth: number) =>
    selectCoins({
      coins: [
        ...must,
        ...free.map((coin) => ({
          ...{ id: `${coin.txid}:${coin.vout}`, valueSats: coin.valueSats, input: sizes.input },
          unconfirmedDepth: coin.height === null ? 1 : 0,
          ...(coin.ancestors === null
            ? {}
            : {
                ancestorDebtSats: ancestorDebt(
                  { ...coin.ancestors, feesSats: coin.ancestors.feeSats },
                  feeRate,
                ),
              }),
        })),
      ],
      payments: outputs,
      feeRate,
      longTermFeeRate: request.longTermFeeRate,
      change: sizes,
      mustInclude: must.map(({ id }) => id),
      ...(request.replaces === undefined ? {} : { replaces: request.replaces }),
      limits: {
        maxUnconfirmedDepth,
        ...tidyingLimits(request, free),
      },
      random: deps.random,
    });
  // A replacement must not bring in new unconfirmed coins (BIP125 rule 2).
  const depth = request.replaces === undefined ? MAX_UNCONFIRMED_DEPTH : 0;
  let selection = select(depth);
  if (depth > 0 && selection.ok && isChainTooLarge(selection.plan, free)) selection = select(0);
  if (!selection.ok) return refusalOf(selection, outputs);
  const { plan } = selection;
  const broken = limitsBroken(plan, request);
  if (broken !== null) return broken;
  const coins = new Map<string, { branch: 0 | 1; index: number; isConfirmed: boolean }>();
  for (const { coin } of request.must) coins.set(coin.id, placeOf(coin));
  for (const coin of free) coins.set(`${coin.txid}:${coin.vout}`, placeOf(coin));
  return { ok: true, wallet, descriptor, plan, coins, feeShares: sharesOf(plan, outputs) };
}

/**
 * What is tidied up comes back as one coin that is not confirmed: the payouts that come next need
 * some of the others. Nor may tidying break the limit on the fee, which is about the payouts.
 */
function tidyingLimits(
  { outputs, limits, replaces }: TransactionRequest,
  free: readonly { height: number | null }[],
): { maxConsolidationInputs?: number; feeCeilingSats?: Sats } {
  if (outputs.length === 0) return {};
  const confirmed = free.filter(({ height }) => height !== null).length;
  const most =
    replaces === undefined ? Math.min(MAX_TIDIED_COINS, Math.floor(confirmed / TIDIED_PART)) : 0;
  const bps = limits.maxFeeShareBps;
  if (bps === null) return { maxConsolidationInputs: most };
  const amount = outputs.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  return { maxConsolidationInputs: most, feeCeilingSats: (amount * BigInt(bps)) / 10_000n };
}

function placeOf(coin: { branch: 0 | 1; index: number; height: number | null }) {
  return { branch: coin.branch, index: coin.index, isConfirmed: coin.height !== null };
}

/** The wallet's descriptor, which was checked when it was added. */
export function descriptorOf(
  wallet: Pick<WalletForSpending, 'descriptor' | 'network'>,
): Descriptor {
  assert(isNetwork(wallet.network), 'a stored wallet has a known network');
  const parsed = parseDescriptor(wallet.descriptor, wallet.network);
  assert(parsed.ok, 'a stored descriptor can be read');
  return parsed.descriptor;
}

/** Makes the transaction: the order of its parts, the lock time, the PSBT. Takes a change index. */
export async function makeVersion(
  tx: Tx,
  deps: PlanDeps,
  request: TransactionRequest,
  chosen: ChosenCoins,
): Promise<{ version: SpendVersion; psbt: Uint8Array }> {
  const { plan, descriptor, coins } = chosen;
  const { outputs } = request;
  const inputs = shuffled(plan.inputs, deps.random).map(({ id }) => id);
  const place = await changePlace(tx, request, plan);
  const payments = plan.payments.map(({ outputSats }, i) => {
    const output = outputs[i];
    assert(output !== undefined, 'the plan has the payments that were asked for');
    return { script: output.script, amountSats: outputSats, isChange: false };
  });
  const change =
    plan.changeSats === null || place === null
      ? []
      : [
          {
            ...{ script: deriveScript(descriptor, place), amountSats: plan.changeSats },
            ...{ isChange: true, own: { descriptor, ...place } },
          },
        ];
  const ordered = shuffled([...payments, ...change], deps.random);
  const parts = {
    inputs: await psbtInputs(tx, { inputs, descriptor, coins }),
    outputs: ordered,
  };
  let locktime = await lockTime(tx, deps);
  let psbt = buildPsbt({ ...parts, locktime });
  // The same coins and outputs at the same height are the same transaction; an older lock time is as
  // good and makes it another one.
  const step = locktime === 0 ? 1 : -1;
  while (request.differsFrom?.has(unsignedTxid(psbt)) === true) {
    locktime += step;
    psbt = buildPsbt({ ...parts, locktime });
  }
  const vout = ordered.findIndex(({ isChange }) => isChange);
  const changeOutput: ChangeOutput | null =
    place === null || plan.changeSats === null
      ? null
      : { ...place, vout, valueSats: plan.changeSats };
  const paid = plan.payments.reduce((sum, { outputSats }) => sum + outputSats, 0n);
  const version: SpendVersion = {
    ...{ version: request.version, state: 'planned', purpose: request.purpose, exposed: false },
    txid: txidBeforeSignature(descriptor, psbt),
    ...{ inputs, feeSats: plan.feeSats, vsize: plan.vsize, outSats: paid + plan.feeSats },
    ...{ change: changeOutput, feeShares: chosen.feeShares, rejectCode: null },
  };
  return { version, psbt };
}

async function changePlace(tx: Tx, request: TransactionRequest, plan: Plan) {
  if (plan.changeSats === null) return null;
  if (request.change !== undefined && request.change !== null) {
    return { branch: request.change.branch, index: request.change.index };
  }
  const { branch, index } = await takeChangeIndex(tx, request.walletId);
  return { branch, index };
}

async function psbtInputs(
  tx: Tx,
  of: { inputs: readonly OutpointText[] } & Pick<ChosenCoins, 'descriptor' | 'coins'>,
) {
  const txids = [...new Set(of.inputs.map((input) => input.split(':')[0] ?? ''))];
  const previous = await readPreviousTransactions(tx, txids);
  return of.inputs.map((input) => {
    const [txid = '', vout] = input.split(':');
    const raw = previous.get(txid);
    const place = of.coins.get(input);
    assert(raw !== undefined && place !== undefined, 'a coin has its transaction on record');
    const { branch, index } = place;
    return { descriptor: of.descriptor, branch, index, previous: raw, vout: Number(vout) };
  });
}

async function lockTime(tx: Tx, deps: PlanDeps): Promise<number> {
  const tipHeight = await readTip(tx);
  const tipTimeMs = await readTipTime(tx, tipHeight);
  if (tipTimeMs === null) return 0;
  return antiFeeSniping({ tipHeight, tipTimeMs, nowMs: deps.clock.nowMs(), random: deps.random });
}

/** Kinds whose inputs have no script signature: their txid does not change when they are signed. */
const TXID_KNOWN: readonly Descriptor['kind'][] = ['wpkh', 'tr', 'wsh_multi', 'wsh_sortedmulti'];

function txidBeforeSignature({ kind }: Descriptor, psbt: Uint8Array): string | null {
  return TXID_KNOWN.includes(kind) ? unsignedTxid(psbt) : null;
}

export function unsignedTxid(psbt: Uint8Array): string {
  return displayHash(unsignedTransaction(psbt).txid);
}

/** The unsigned transaction inside a PSBT of ours: its first entry (BIP174). */
export function unsignedTransaction(psbt: Uint8Array) {
  // Magic of five bytes, then a key of one byte, the type 0.
  const [keyLength, type] = psbt.subarray(5, 7);
  assert(keyLength === 1 && type === 0, 'a PSBT of ours begins with its transaction');
  const first = psbt[7] ?? 0;
  assert(first < 0xff, 'a transaction of ours has a length of at most four bytes');
  const view = new DataView(psbt.buffer, psbt.byteOffset);
  const [start, length] =
    first < 0xfd
      ? [8, first]
      : first === 0xfd
        ? [10, view.getUint16(8, true)]
        : [12, view.getUint32(8, true)];
  return parseTransaction(psbt.subarray(start, start + length));
}

/**
 * The coin that every later version will have to spend: one that is confirmed if there is one, for
 * it can not vanish with another transaction, and of those the first.
 */
export function chooseAnchor(version: SpendVersion, { coins }: ChosenCoins): OutpointText {
  const anchor = version.inputs.find((id) => coins.get(id)?.isConfirmed) ?? version.inputs[0];
  assert(anchor !== undefined, 'a transaction has inputs');
  return anchor;
}

function sharesOf(plan: Plan, outputs: readonly PayoutOutput[]): Record<Uuid, Sats> {
  const shares = outputs.map(({ payoutId, feeFrom }, i) => {
    const share = plan.payments[i]?.feeShareSats ?? 0n;
    return [payoutId, feeFrom === 'recipient' ? share : 0n] as const;
  });
  return Object.fromEntries(shares);
}

function limitsBroken(plan: Plan, request: TransactionRequest): PlanRefusal | null {
  const { outputs, limits } = request;
  const shares = sharesOf(plan, outputs);
  const over = outputs.filter(
    ({ payoutId, maxFeeShareSats }) => (shares[payoutId] ?? 0n) > maxFeeShareSats,
  );
  if (over.length > 0) {
    const detail = 'the part of the fee that a recipient would bear is above its limit';
    return refusal(
      'fee_share_above_limit',
      detail,
      over.map(({ payoutId }) => payoutId),
    );
  }
  if (limits.maxFeeShareBps === null || outputs.length === 0) return null;
  const amount = outputs.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  if (plan.feeSats * 10_000n <= amount * BigInt(limits.maxFeeShareBps)) return null;
  const detail = `the fee of ${plan.feeSats} sat is too large a part of the ${amount} sat to be paid`;
  return refusal('fee_above_limit', detail);
}

function refusalOf(
  selection: Extract<Selection, { ok: false }>,
  outputs: readonly PayoutOutput[],
): PlanRefusal {
  const ids = 'index' in selection ? outputs.slice(selection.index, selection.index + 1) : [];
  const payoutIds = ids.map(({ payoutId }) => payoutId);
  switch (selection.code) {
    case 'dust_output': {
      const dust = outputs.filter(({ script, amountSats }) => amountSats < dustLimit(script));
      const all = dust.map(({ payoutId }) => payoutId);
      return refusal('output_below_dust', selection.reason, all);
    }
    case 'fee_exceeds_payment':
      return refusal('output_below_dust', selection.reason, payoutIds);
    case 'too_large':
      return refusal('too_many_outputs', selection.reason);
    case 'insufficient_funds':
      return refusal('insufficient_funds', selection.reason);
    case 'unknown_coin':
    case 'nothing_to_do':
      return refusal('coin_gone', selection.reason);
  }
}

function refusal(
  reason: SpendReason,
  detail: string,
  payoutIds: readonly Uuid[] = [],
): PlanRefusal {
  return { ok: false, reason, detail, payoutIds };
}
