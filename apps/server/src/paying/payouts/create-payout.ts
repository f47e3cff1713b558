import type { Network } from '@quittance/bitcoin';
import type { LightningFeeCap, PayoutPolicy, PayoutSource } from '@quittance/contract';
import type { Msats, Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readWallets } from '../../receiving/addresses/index.ts';
import type { Quote } from '../../receiving/rates/index.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { demandLimits } from './approve-payout.ts';
import { demand, termsRefused } from './errors.ts';
import { feeLimitFor } from './fee-limit.ts';
import { claimPaymentHashes } from './payment-hash-store.ts';
import {
  coveringSats,
  type Payout,
  type PayoutListener,
  type PayoutTelling,
  type PayRequest,
} from './payout.ts';
import { approvalsNeeded } from './policy.ts';
import { readPayoutPolicy } from './policy-store.ts';
import { payoutEvent } from './present.ts';
import { findLightningPayer, type LightningPayer } from './lightning/processor-store.ts';
import { findProcessorOfWallet, type Processor } from './processors/store.ts';
import { insertPayouts } from './store.ts';
import { type PayoutTerms, readTerms, type TermsInput } from './terms.ts';
import { applyPayoutEvent } from './transition.ts';
import { demandCover, type PayoutMove, writePayouts } from './write-payouts.ts';

export type PayoutDeps = {
  network: Network;
  /** Told of every change, in the same transaction: refunds. */
  listener: PayoutListener;
};

export type NewPayout = {
  merchantId: Uuid;
  /** Where whoever asks for it has to name it before it is made: refunds. For one payout only. */
  id?: Uuid | undefined;
  /** Whoever asks for it, or made the refund that it is for: `key:<id>`. */
  createdBy: string;
  source: PayoutSource;
  batchId?: Uuid;
  refundId?: Uuid;
  externalId?: string | undefined;
  description?: string | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** By default the store's active wallet. */
  walletId?: Uuid | undefined;
  /** Where somebody else has decided, such as the policy of refunds; else the rules say. */
  approvalsNeeded?: number;
  /** Somebody has to approve it, even where the rules would let it pass by itself. */
  neverAutomatic?: boolean | undefined;
  /** Over Lightning: is to be paid as soon as it is approved, without any processor: cards. */
  payAtOnce?: boolean | undefined;
};

/**
 * Makes a payout in the caller's transaction. Addresses that are paid already or again are fine:
 * what makes a request unique is its Idempotency-Key, never its destination. Where no approval is
 * needed it is approved and its amount reserved at once.
 * @param input.quote of the price's currency, asked for before the transaction; null for bitcoin
 * @throws {AppError} invalid_destination, invalid_amount, unknown_currency, amount_too_small,
 *   amount_too_large, no_wallet, payout_limit_exceeded, insufficient_balance
 */
export async function createPayout(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  input: NewPayout & TermsInput & { quote: Quote | null },
): Promise<Payout> {
  const world = { network: deps.network, quote: input.quote, nowMs: telling.nowMs };
  const read = readTerms(input, world);
  if (!read.ok) throw termsRefused(read.problems);
  const [payout] = await createPayouts(tx, deps, telling, input, [
    { terms: read.terms, externalId: input.externalId, description: input.description },
  ]);
  if (payout === undefined) throw new Error('createPayouts gives back what it made');
  return payout;
}

export type PayoutLine = {
  terms: PayoutTerms;
  externalId?: string | undefined;
  description?: string | undefined;
};

/** Makes any number of payouts of one merchant at once: of a batch. */
export async function createPayouts(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  common: NewPayout,
  lines: readonly PayoutLine[],
): Promise<Payout[]> {
  const { merchantId } = common;
  const policy = await readPayoutPolicy(tx, merchantId);
  const payers = await payersOf(tx, common, lines);
  for (const { terms } of lines) demandPerPayout(coveringSats(terms.amountMsat), policy);
  const payouts = lines.map((line) => {
    const { walletId, processor } = payers(line);
    const amountSats = coveringSats(line.terms.amountMsat);
    const asked = approvalsNeeded(
      { amountSats, source: common.source },
      policy,
      processor?.settings,
    );
    const least = common.neverAutomatic === true ? 1 : 0;
    return newPayout(line, common, {
      telling,
      walletId,
      feeLimitMsat: feeLimitFor(line.terms, feeCapOf(processor) ?? policy.lightning.feeCap),
      approvalsNeeded: common.approvalsNeeded ?? Math.max(least, asked),
    });
  });
  await insertPayouts(tx, payouts);
  await claimPaymentHashes(tx, payouts, telling.nowMs);
  await recordEvents(
    tx,
    payouts.map((payout) => payoutEvent(payout, 'payout.created', telling)),
  );
  const processorOf = new Map(
    lines.map((line, at) => [payouts[at]?.id ?? '', payers(line).processor?.id]),
  );
  return await approveAutomatic(tx, deps, telling, { payouts, policy, processorOf });
}

type Payer = { walletId: Uuid | null; processor: Processor | LightningPayer | undefined };

function feeCapOf(processor: Payer['processor']): LightningFeeCap | undefined {
  return processor !== undefined && 'feeCap' in processor.settings
    ? processor.settings.feeCap
    : undefined;
}

/** Who pays which line: the wallet and its processor on chain, the store's node over Lightning. */
async function payersOf(
  tx: Tx,
  { merchantId, walletId: wanted }: NewPayout,
  lines: readonly PayoutLine[],
): Promise<(line: PayoutLine) => Payer> {
  const isOnchain = ({ terms }: PayoutLine) => terms.lightning === null;
  let onchain: Payer = { walletId: null, processor: undefined };
  if (lines.some(isOnchain)) {
    const walletId = await walletFor(tx, { merchantId, walletId: wanted });
    const processor = await findProcessorOfWallet(tx, { merchantId, walletId });
    onchain = { walletId, processor };
  }
  const payer = lines.every(isOnchain) ? undefined : await findLightningPayer(tx, merchantId);
  const lightning: Payer = { walletId: null, processor: payer };
  return (line) => (isOnchain(line) ? onchain : lightning);
}

/** @throws {AppError} payout_limit_exceeded */
function demandPerPayout(amountSats: Sats, { perPayoutMaxSats }: PayoutPolicy): void {
  if (perPayoutMaxSats === null || amountSats <= BigInt(perPayoutMaxSats)) return;
  const detail = `The store's policy allows at most ${perPayoutMaxSats} sat for one payout.`;
  throw new AppError('payout_limit_exceeded', detail);
}

/**
 * The wallet that is named, else the one that pays: one kept for payouts, one that the signer has,
 * else the store's active one.
 * @throws {AppError} no_wallet, invalid_request
 */
export async function walletFor(
  tx: Tx,
  { merchantId, walletId }: { merchantId: Uuid; walletId: Uuid | undefined },
): Promise<Uuid> {
  const wallets = await readWallets(tx, { merchantId, maxGap: 0 });
  const wallet =
    walletId === undefined
      ? (wallets.find(({ use }) => use === 'payouts') ??
        wallets.find(({ signerWallet }) => signerWallet !== null) ??
        wallets.find(({ active }) => active))
      : wallets.find(({ id }) => id === walletId);
  if (wallet !== undefined) return wallet.id;
  if (walletId === undefined) throw new AppError('no_wallet', 'Add a wallet first.');
  throw new AppError('invalid_request', 'The store has no such wallet.', {
    fields: [{ pointer: '/walletId', detail: 'not the id of one of your wallets' }],
  });
}

async function approveAutomatic(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  made: {
    payouts: Payout[];
    policy: PayoutPolicy;
    processorOf: ReadonlyMap<string, Uuid | undefined>;
  },
): Promise<Payout[]> {
  const { payouts, policy, processorOf } = made;
  const moves = payouts
    .filter((payout) => payout.approvalsNeeded === 0)
    .map((before): PayoutMove => {
      const processorId = processorOf.get(before.id);
      const by = processorId === undefined ? before.createdBy : `processor:${processorId}`;
      const approval = { by, atMs: telling.nowMs, signature: null };
      const event = { type: 'auto_approved', approval, atMs: telling.nowMs } as const;
      return { before, step: demand(applyPayoutEvent(before, event)) };
    });
  const [first] = moves;
  if (first === undefined) return payouts;
  await writePayouts(tx, deps, { telling, moves });
  await demandCover(tx, first.before.merchantId);
  await demandLimits(tx, policy, { merchantId: first.before.merchantId, nowMs: telling.nowMs });
  const approved = new Map(moves.map(({ step }) => [step.payout.id, written(step.payout)]));
  return payouts.map((payout) => approved.get(payout.id) ?? payout);
}

/** As it stands in the database after a write. */
export function written(payout: Payout): Payout {
  return { ...payout, version: payout.version + 1 };
}

function newPayout(
  { terms, externalId, description }: PayoutLine,
  common: NewPayout,
  more: {
    telling: PayoutTelling;
    walletId: Uuid | null;
    feeLimitMsat: Msats;
    approvalsNeeded: number;
  },
): Payout {
  const { ids, nowMs } = more.telling;
  const { lightning, ...rest } = terms;
  return {
    ...rest,
    method: lightning === null ? 'onchain' : 'lightning',
    lightning:
      lightning === null
        ? null
        : {
            expiresAtMs: lightning.expiresAtMs,
            feeLimitMsat: more.feeLimitMsat,
            strategy: lightning.strategy,
            attemptId: null,
            lastAttemptId: null,
            lastFailure: null,
            paymentHash: lightning.paymentHash,
            preimage: null,
            feeMsat: 0n,
          },
    merchantId: common.merchantId,
    id: common.id ?? ids.next(),
    externalId: externalId ?? null,
    source: common.source,
    batchId: common.batchId ?? null,
    refundId: common.refundId ?? null,
    description: description ?? null,
    metadata: common.metadata ?? {},
    state: 'awaiting_approval',
    reason: null,
    origin: null,
    approvalsNeeded: more.approvalsNeeded,
    approvals: [],
    walletId: more.walletId,
    payRequest: common.payAtOnce === true && lightning !== null ? wantedNow(common, nowMs) : null,
    processorId: null,
    spendId: null,
    lastSpendId: null,
    txid: null,
    feeShareSats: 0n,
    attempts: 0,
    notBeforeMs: null,
    ledgerEpoch: 0,
    version: 1,
    createdBy: common.createdBy,
    createdAtMs: nowMs,
    approvedAtMs: null,
    startedAtMs: null,
    broadcastAtMs: null,
    finishedAtMs: null,
    stateSinceMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** Fees on chain are not what this is about; they are kept in the same form. */
function wantedNow({ createdBy }: NewPayout, atMs: number): PayRequest {
  return { by: createdBy, atMs, targetBlocks: 1, maxFeeRateSatPerVb: 1 };
}
