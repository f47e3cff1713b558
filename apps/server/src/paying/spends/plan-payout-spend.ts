import type { FeeRate } from '@quittance/bitcoin';
import { assert, type Ids, type Sats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { reserveCoins } from '../coins/index.ts';
import {
  type ChosenCoins,
  chooseAnchor,
  chooseCoins,
  makeVersion,
  type PlanDeps,
  type PlanRefusal,
  type TransactionRequest,
} from './plan-transaction.ts';
import type { FeeLimits, Origin, PayoutOutput, Spend, SpendKind, SpendVersion } from './spend.ts';
import { lockPlanning } from './coin-store.ts';
import { splitOutpoint } from './outpoints.ts';
import { insertSpend } from './store.ts';
import { ringSpends } from './due-store.ts';

export type PayoutSpendRequest = {
  merchantId: Uuid;
  walletId: Uuid;
  outputs: readonly PayoutOutput[];
  /** sat/kvB, from {@link estimateFeeRate}. */
  feeRate: FeeRate;
  /** What a coin costs to spend on an ordinary day; decides about change and tidying up. */
  longTermFeeRate: FeeRate;
  limits: FeeLimits;
  origin: Origin;
};

/** A spend that was planned, or, in a dry run, one that could be. */
export type PlannedSpend = {
  readonly ok: true;
  /** Null in a dry run. */
  readonly spendId: Uuid | null;
  readonly txid: string | null;
  readonly feeSats: Sats;
  readonly vsize: number;
  readonly inputs: number;
  readonly changeSats: Sats | null;
  /** What each recipient who bears the fee gets less; 0 for the others. */
  readonly feeShares: Readonly<Record<Uuid, Sats>>;
};

/**
 * Plans a spend that pays these outputs: chooses coins, reserves them, stores the PSBT. Its caller
 * writes in the same transaction that the payouts are under way, so that neither exists without the
 * other. Nothing is written when it is refused.
 */
export async function planPayoutSpend(
  tx: Tx,
  deps: PlanDeps & { ids: Ids },
  request: PayoutSpendRequest,
): Promise<PlannedSpend | PlanRefusal> {
  assert(request.outputs.length > 0, 'planPayoutSpend: nothing to pay');
  return await planSpend(tx, deps, {
    ...request,
    kind: 'payouts',
    must: [],
    mayAdd: true,
  });
}

/** What {@link planPayoutSpend} would do now. Writes nothing. */
export async function previewPayoutSpend(
  tx: Tx,
  deps: PlanDeps,
  request: PayoutSpendRequest,
): Promise<PlannedSpend | PlanRefusal> {
  const transaction = firstVersion({ ...request, must: [], mayAdd: true });
  const chosen = await chooseCoins(tx, deps, transaction);
  return chosen.ok ? viewOf(chosen, null, null) : chosen;
}

/** Plans a spend of any kind, from coins that are free or those that are named. */
export async function planSpend(
  tx: Tx,
  deps: PlanDeps & { ids: Ids },
  request: Omit<TransactionRequest, 'version' | 'purpose'> & { kind: SpendKind; origin: Origin },
): Promise<PlannedSpend | PlanRefusal> {
  await lockPlanning(tx, request.walletId);
  const transaction = firstVersion(request);
  const chosen = await chooseCoins(tx, deps, transaction);
  if (!chosen.ok) return chosen;
  const nowMs = deps.clock.nowMs();
  const { version, psbt } = await makeVersion(tx, deps, transaction, chosen);
  const spend: Spend = {
    merchantId: request.merchantId,
    id: deps.ids.next(),
    walletId: request.walletId,
    ...{ kind: request.kind, origin: request.origin, state: 'planned' },
    anchor: chooseAnchor(version, chosen),
    ...{ version: 1, ledgerEpoch: 0, bookedVersion: null, dueAtMs: nowMs, attempts: 0 },
    ...{ reason: null, detail: null, height: null, blockHash: null },
    limits: request.limits,
    createdAtMs: nowMs,
  };
  const { outputs } = request;
  await insertSpend(tx, { spend, versions: [version], outputs, psbt, nowMs });
  await reserve(tx, spend, version.inputs);
  await ringSpends(tx);
  return viewOf(chosen, spend, version);
}

/** What makes the database try the whole transaction anew (PostgreSQL, appendix A). */
const SERIALIZATION_FAILURE = '40001';

/**
 * @throws {Error} when a coin was spent between choosing and reserving: the transaction is tried
 *   anew from its beginning, for what was written in it must not stay
 */
export async function reserve(
  tx: Tx,
  { merchantId, id: spendId }: Pick<Spend, 'merchantId' | 'id'>,
  inputs: SpendVersion['inputs'],
): Promise<void> {
  const coins = inputs.map((input) => {
    const [txid, vout] = splitOutpoint(input);
    return { txid, vout };
  });
  if (await reserveCoins(tx, { merchantId, spendId, coins })) return;
  const error = new Error('a coin was taken while the spend was planned');
  throw Object.assign(error, { code: SERIALIZATION_FAILURE });
}

function firstVersion(
  request: Omit<TransactionRequest, 'version' | 'purpose'>,
): TransactionRequest {
  return { ...request, version: 1, purpose: 'pay' };
}

function viewOf(
  { plan, feeShares }: ChosenCoins,
  spend: Spend | null,
  version: SpendVersion | null,
): PlannedSpend {
  return {
    ok: true,
    spendId: spend?.id ?? null,
    txid: version?.txid ?? null,
    feeSats: plan.feeSats,
    vsize: plan.vsize,
    inputs: plan.inputs.length,
    changeSats: plan.changeSats,
    feeShares,
  };
}
