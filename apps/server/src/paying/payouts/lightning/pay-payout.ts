import type { LightningStrategy, PayoutPolicy } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import {
  type Attempt,
  type AttemptFailure,
  beginAttempt,
  failureClasses,
  lightningFaultPoint,
  readAttempts,
  recordRefusal,
  remainingTimeoutMs,
  type SentAttempt,
  sendAttempt,
  type StrategyDecision,
} from '../../lightning/index.ts';
import type { Origin } from '../../spends/index.ts';
import { demand } from '../errors.ts';
import { claimForAttempt } from '../payment-hash-store.ts';
import { type LightningPayout, lightningPayout } from '../payout.ts';
import { readPayoutPolicy } from '../policy-store.ts';
import { lockPayout, readPayoutRow } from '../store.ts';
import { applyPayoutEvent, type PayoutEvent } from '../transition.ts';
import { writePayouts } from '../write-payouts.ts';
import { createAttemptListener } from './attempt-listener.ts';
import type { LightningPayoutDeps, OwnPayout } from './deps.ts';
import { decideFor, historyOf, nextTryOf, reasonOfGivingUp, strategyOf } from './next-try.ts';
import { type Prepared, preparePayment } from './prepare-payment.ts';
import { findLightningPayer, type LightningPayer } from './processor-store.ts';
import { type PayerRefusal, refusalByRules, refusalByScreening, refusalOfPayer } from './rules.ts';

/** Who has it paid: a processor by its rules, or somebody's wish. */
export type Payer = { readonly origin: Origin; readonly processorId: Uuid | null };

/** What became of one try. */
export type TryOutcome =
  | 'sent'
  | 'refused'
  | 'waits'
  | 'gave_up'
  | 'held'
  /** Somebody else was faster, or it is not to be paid any more. */
  | 'passed_over';

/** The pause of a payout that could not be worked on. */
const AFTER_FAULT_MS = 60_000;

type Read = {
  payout: LightningPayout;
  attempts: Attempt[];
  policy: PayoutPolicy;
  processor: LightningPayer | undefined;
};

/**
 * Tries once to pay an approved payout: asks its strategy, gets an invoice, checks what can be
 * checked, commits the attempt, sends it and records what the node says. May be called at any time by
 * any number of workers: the attempt is committed under the payout's lock, from the very version of
 * the payout that was looked at.
 */
export async function payLightningPayout(
  deps: LightningPayoutDeps,
  own: OwnPayout,
  payer: Payer,
): Promise<TryOutcome> {
  const read = await deps.database.asSystem((tx) => readAll(tx, own));
  if (read === null) return 'passed_over';
  const strategy = strategyOfRead(read);
  const decidedAtMs = deps.clock.nowMs();
  const decision = await decideNow(deps, read, strategy);
  if (decision.action !== 'send') return await putOff(deps, read, decision);
  const held = await holdByRules(deps, read, payer);
  if (held !== null) return held;
  const prepared = await preparePayment(deps, read.payout, read.attempts).catch(
    async (error: unknown) => {
      // A fault of our own: nothing was sent, and nothing is gained by falling into it every second.
      const untilMs = deps.clock.nowMs() + AFTER_FAULT_MS;
      await putOff(deps, read, { action: 'wait', untilMs, reason: 'own_node' });
      throw error;
    },
  );
  if (!prepared.ok) return await refuse(deps, read, payer, prepared);
  const sending = { strategy, decision, decidedAtMs };
  const tooShort = refusalOfShortInvoice(deps, read.payout, { prepared, sending });
  if (tooShort !== null) return await refuse(deps, read, payer, tooShort);
  const begun = await begin(deps, read, { payer, prepared, sending });
  if (typeof begun === 'string') return begun;
  if (prepared.isUnderWay) return 'sent';
  const listener = createAttemptListener(deps);
  await sendAttempt({ ...deps, listener }, prepared.node.api, begun);
  return 'sent';
}

async function readAll(tx: Tx, own: OwnPayout): Promise<Read | null> {
  const found = await readPayoutRow(tx, own);
  if (found === undefined || found.state !== 'approved' || found.lightning === null) return null;
  const { merchantId } = own;
  return {
    payout: lightningPayout(found),
    attempts: await readAttempts(tx, { merchantId, payoutId: own.id }),
    policy: await readPayoutPolicy(tx, merchantId),
    processor: await findLightningPayer(tx, merchantId),
  };
}

function strategyOfRead({ payout, policy, processor }: Read): LightningStrategy {
  return strategyOf(payout, { processor: processor?.settings, policy });
}

/** What was decided, when, and by whose rules. */
type Sending = {
  readonly strategy: LightningStrategy;
  readonly decision: Extract<StrategyDecision, { action: 'send' }>;
  readonly decidedAtMs: number;
};

/** A service may give an invoice that ends before an attempt could: there is another one later. */
function refusalOfShortInvoice(
  deps: LightningPayoutDeps,
  payout: LightningPayout,
  { prepared, sending }: { prepared: Extract<Prepared, { ok: true }>; sending: Sending },
): Extract<Prepared, { ok: false }> | null {
  const { node, invoice, isUnderWay } = prepared;
  if (payout.destinationKind === 'bolt11' || isUnderWay) return null;
  const nowMs = deps.clock.nowMs();
  const { expiresAtMs } = invoice;
  const times = { decidedAtMs: nowMs, nowMs, expiresAtMs };
  if (remainingTimeoutMs(sending.strategy, sending.decision, times) !== null) return null;
  const detail = `the fresh invoice ends at ${new Date(expiresAtMs).toISOString()}`;
  const failure = {
    failureClass: 'not_resolved',
    code: 'short_invoice',
    detail,
    at: null,
  } as const;
  return { ok: false, failure, retryable: true, node, invoice };
}

async function decideNow(
  deps: LightningPayoutDeps,
  { payout, attempts }: Read,
  strategy: LightningStrategy,
): Promise<StrategyDecision> {
  const nowMs = deps.clock.nowMs();
  const advise = deps.advise;
  const asked = { strategy, history: historyOf(payout, attempts), nowMs };
  const advice =
    advise === undefined
      ? null
      : await deps.database
          .asSystem((tx) => advise(tx, payout, asked))
          .catch((error: unknown) => {
            // Without advice it is decided as if there were no history.
            deps.log.warn({ error, payoutId: payout.id }, 'past attempts could not be asked');
            return null;
          });
  const decision = decideFor(strategy, payout, { attempts, nowMs, sendableMsat: null, advice });
  // The pause was taken away (a person's retry, or our own node is there again): what is left of it
  // does not count.
  const isHastened = payout.notBeforeMs === null && attempts.length > 0;
  if (decision.action !== 'wait' || !isHastened) return decision;
  const hastened = { ...payout, payRequest: requestNow(nowMs) };
  return decideFor(strategy, hastened, { attempts, nowMs, sendableMsat: null, advice });
}

function requestNow(atMs: number) {
  return { by: 'retry', atMs, targetBlocks: 1, maxFeeRateSatPerVb: 1 };
}

/** Nobody's service is asked about a payout that may not be paid anyway. */
async function holdByRules(
  deps: LightningPayoutDeps,
  read: Read,
  { processorId }: Payer,
): Promise<TryOutcome | null> {
  const { payout, processor } = read;
  const nowMs = deps.clock.nowMs();
  const byRules =
    processorId === null || processor === undefined
      ? null
      : refusalByRules(payout, processor.settings, nowMs);
  return await deps.database.asSystem(async (tx) => {
    const refusal = byRules ?? (await screenEarly(tx, deps, { read, nowMs }));
    if (refusal === null || refusal.reason === null) return null;
    const { reason, notBeforeMs } = refusal;
    const event = { type: 'held', reason, notBeforeMs, atMs: nowMs } as const;
    return (await apply(tx, deps, { payout, event, nowMs })) ? 'held' : 'passed_over';
  });
}

/** What may still be on its way is looked for before anything else: nothing in flight is held. */
async function screenEarly(
  tx: Tx,
  deps: LightningPayoutDeps,
  { read, nowMs }: { read: Read; nowMs: number },
): Promise<PayerRefusal | null> {
  const { payout, attempts } = read;
  if (deps.screen === undefined || attempts.some(({ sends }) => sends > 0)) return null;
  // The payout before what the check locks, as whoever begins to pay takes them.
  if ((await lockSame(tx, payout)) === null) return null;
  return await refusalByScreening(tx, deps, { payout, nowMs, invoice: null });
}

/** It waits until a time, or it has failed for good. */
async function putOff(
  deps: LightningPayoutDeps,
  { payout }: Read,
  decision: Exclude<StrategyDecision, { action: 'send' }>,
): Promise<TryOutcome> {
  return await deps.database.asSystem(async (tx) => {
    const nowMs = deps.clock.nowMs();
    const event: PayoutEvent =
      decision.action === 'give_up'
        ? { type: 'gave_up', reason: reasonOfGivingUp(decision), atMs: nowMs }
        : { type: 'postponed', notBeforeMs: decision.untilMs, atMs: nowMs };
    if (!(await apply(tx, deps, { payout, event, nowMs }))) return 'passed_over';
    return decision.action === 'give_up' ? 'gave_up' : 'waits';
  });
}

/** It could not be sent: an attempt that cost nothing, and what the strategy makes of it. */
async function refuse(
  deps: LightningPayoutDeps,
  read: Read,
  payer: Payer,
  { node, invoice, failure, retryable }: Extract<Prepared, { ok: false }>,
): Promise<TryOutcome> {
  const outcome = await deps.database.asSystem(async (tx) => {
    const nowMs = deps.clock.nowMs();
    const { payout } = read;
    const locked = await lockSame(tx, payout);
    if (locked === null) return 'passed_over';
    const id = deps.ids.next();
    const attempt = newAttempt(deps, { read, payer, id, nowMs });
    const recorded = await recordRefusal(tx, { ...attempt, node, invoice, failure });
    const event = refusalEvent(read, { recorded, failure, retryable, payer, nowMs });
    await apply(tx, deps, { payout: locked, event, nowMs });
    return 'refused';
  });
  if (outcome === 'refused') {
    const { merchantId, id: payoutId } = read.payout;
    deps.notices?.ended?.(failureClasses[failure.failureClass].metric, payer.origin);
    const facts = { merchantId, payoutId, ...payer, ...failure };
    deps.log.warn(facts, 'a payout could not be sent over Lightning');
  }
  return outcome;
}

function refusalEvent(
  { payout, attempts, policy, processor }: Read,
  given: {
    recorded: Attempt;
    failure: AttemptFailure;
    retryable: boolean;
    payer: Payer;
    nowMs: number;
  },
): PayoutEvent {
  const { recorded, failure, retryable, payer, nowMs } = given;
  const strategy = strategyOf(payout, { processor: processor?.settings, policy });
  const world = { attempts: [...attempts, recorded], nowMs, sendableMsat: null, advice: null };
  const { failureClass } = failure;
  const followed = nextTryOf(decideFor(strategy, payout, world), failureClass, nowMs);
  const next = retryable ? followed : { reason: failureClass, next: null };
  const { id: attemptId } = recorded;
  return { type: 'attempt_refused', attemptId, failureClass, ...payer, ...next, atMs: nowMs };
}

/**
 * Commits the attempt: hash, fee limit and deadline are durable, the payout is in flight. From here
 * on it may have been sent, whatever is remembered.
 */
async function begin(
  deps: LightningPayoutDeps,
  read: Read,
  given: {
    payer: Payer;
    prepared: Extract<Prepared, { ok: true }>;
    sending: Sending;
  },
): Promise<SentAttempt | TryOutcome> {
  const { payer, prepared, sending } = given;
  const { node, invoice, isUnderWay } = prepared;
  return await deps.database.asSystem(async (tx) => {
    const locked = await lockSame(tx, read.payout);
    if (locked === null) return 'passed_over';
    const nowMs = deps.clock.nowMs();
    // A payment that the node has under way for this very payout is past every check: it is followed.
    const asked = { payout: locked, payer, nowMs, invoice: invoice.text };
    const held = isUnderWay ? null : await refusalOfPayer(tx, deps, asked);
    if (held !== null) {
      if (held.reason === null) return 'waits';
      const { reason, notBeforeMs } = held;
      const event = { type: 'held', reason, notBeforeMs, atMs: nowMs } as const;
      await apply(tx, deps, { payout: locked, event, nowMs });
      return 'held';
    }
    const times = { decidedAtMs: sending.decidedAtMs, nowMs, expiresAtMs: invoice.expiresAtMs };
    const timeoutMs = remainingTimeoutMs(sending.strategy, sending.decision, times);
    // Getting here took too long: the strategy is asked again. What is under way is only followed.
    if (timeoutMs === null && !isUnderWay) return 'passed_over';
    const { merchantId, id: payoutId } = locked;
    const claim = { merchantId, payoutId, nowMs, nodeKey: node.key, ...invoice };
    const id = deps.ids.next();
    const attempt = newAttempt(deps, { read, payer, id, nowMs });
    if (!(await claimForAttempt(tx, claim))) {
      const detail = 'another payout is for this invoice';
      const failure = {
        failureClass: 'already_paid',
        code: 'hash_taken',
        detail,
        at: null,
      } as const;
      const recorded = await recordRefusal(tx, { ...attempt, node, invoice, failure });
      const what = { recorded, failure, retryable: false, payer, nowMs };
      await apply(tx, deps, { payout: locked, event: refusalEvent(read, what), nowMs });
      return 'refused';
    }
    const feeLimitMsat = min(sending.decision.feeBudgetMsat, locked.lightning.feeLimitMsat);
    const deadlineMs = nowMs + (timeoutMs ?? 0);
    const { paymentHash } = invoice;
    const event = {
      type: 'attempt_started',
      attemptId: id,
      paymentHash,
      ...payer,
      atMs: nowMs,
    } as const;
    const step = applyPayoutEvent(locked, event);
    // It has ended in the very last moment; the expiry watch does the rest.
    if (!step.ok && step.rejection === 'invoice_expired') return 'passed_over';
    const begun = await beginAttempt(tx, { ...attempt, feeLimitMsat, node, invoice, deadlineMs });
    await apply(tx, deps, { payout: locked, event, nowMs });
    lightningFaultPoint('lightning-attempt-uncommitted');
    return begun;
  });
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function newAttempt(
  _deps: LightningPayoutDeps,
  { read, payer, id, nowMs }: { read: Read; payer: Payer; id: Uuid; nowMs: number },
) {
  const { payout, attempts } = read;
  const { merchantId, id: payoutId, amountMsat, lightning } = payout;
  const number = (attempts.at(-1)?.number ?? 0) + 1;
  const { feeLimitMsat } = lightning;
  return { merchantId, id, payoutId, number, ...payer, amountMsat, feeLimitMsat, nowMs };
}

/** Locks the payout, if it is still as it was looked at. */
async function lockSame(tx: Tx, seen: LightningPayout): Promise<LightningPayout | null> {
  const locked = await lockPayout(tx, seen);
  if (locked === undefined || locked.version !== seen.version) return null;
  return lightningPayout(locked);
}

async function apply(
  tx: Tx,
  deps: LightningPayoutDeps,
  { payout, event, nowMs }: { payout: LightningPayout; event: PayoutEvent; nowMs: number },
): Promise<boolean> {
  const before = await lockSame(tx, payout);
  if (before === null) return false;
  const step = demand(applyPayoutEvent(before, event));
  await writePayouts(tx, deps, { telling: { ids: deps.ids, nowMs }, moves: [{ before, step }] });
  return true;
}
