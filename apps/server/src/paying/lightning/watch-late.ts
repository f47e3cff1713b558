import { fromHex } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PaymentOutcome } from '../../receiving/lightning/index.ts';
import { type AlertDeps, raiseAlert } from '../../telling/notifications/index.ts';
import type { Attempt, SentAttempt } from './attempt.ts';
import { lockAttempt, readAttemptsOfHash } from './attempt-store.ts';
import type { AttemptDeps } from './deps.ts';
import { isProof } from './judge-answer.ts';
import { isSent, WATCH_EVERY_MS } from './record-answer.ts';
import { ask, connect } from './track-attempts.ts';
import { claimWatchedAttempts, writeLateSuccess, writeWatch } from './watch-store.ts';

/** Attempts that one round asks about; there are hardly ever any. */
const AT_ONCE = 16;
const LEASE_MS = 30_000;
/** Something of it is under way, and was told as failed: its end is wanted soon. */
const LOOK_SOON_MS = 5_000;

/**
 * Asks the nodes about attempts that count as failed and could still arrive (the fence's safety net).
 * What was paid all the same is recorded, told to the payout, booked once, and an alert; nothing is
 * guessed.
 * @returns 'again' when there may be more
 */
export async function watchLatePayments(
  deps: AttemptDeps & { alerts: AlertDeps },
  signal: AbortSignal,
): Promise<'again' | void> {
  const claim = { nowMs: deps.clock.nowMs(), leaseMs: LEASE_MS, limit: AT_ONCE };
  const due = await deps.database.asSystem((tx) => claimWatchedAttempts(tx, claim));
  for (const attempt of due) {
    if (signal.aborted) return;
    if (isSent(attempt)) await watchOne(deps, attempt);
  }
  if (due.length === AT_ONCE) return 'again';
}

async function watchOne(
  deps: AttemptDeps & { alerts: AlertDeps },
  attempt: SentAttempt,
): Promise<void> {
  const connected = await connect(deps, attempt);
  const answer: PaymentOutcome =
    'detail' in connected
      ? { state: 'unknown', detail: connected.detail }
      : await ask(() => connected.node.trackPayment(attempt.invoice.paymentHash));
  const { merchantId, payoutId } = attempt;
  await deps.database.asSystem(async (tx) => {
    await deps.listener.lock(tx, { merchantId, payoutId });
    const locked = await lockAttempt(tx, attempt);
    // Another worker was faster.
    if (locked === undefined || locked.watchDueAtMs === null || !isSent(locked)) return;
    const nowMs = deps.clock.nowMs();
    const step = judgeWatched(locked, answer, { nowMs, others: await othersOf(tx, locked) });
    if (step.type === 'arrived') await recordLate(tx, deps, { attempt: locked, nowMs, ...step });
    else await writeWatch(tx, locked, step.dueAtMs);
  });
}

type WatchStep =
  | { readonly type: 'watch'; readonly dueAtMs: number | null }
  | ({ readonly type: 'arrived' } & Pick<
      Extract<PaymentOutcome, { state: 'succeeded' }>,
      'preimage' | 'amountMsat' | 'feeMsat'
    >);

/**
 * What the node's answer means for an attempt that counts as failed. Pure. Another attempt with the
 * same hash explains a payment as well: then it is that one's.
 * @param world.others states of the other attempts with the hash
 */
export function judgeWatched(
  attempt: SentAttempt,
  answer: PaymentOutcome,
  { nowMs, others }: { nowMs: number; others: readonly Attempt['state'][] },
): WatchStep {
  if (others.includes('succeeded')) return { type: 'watch', dueAtMs: null };
  const later: WatchStep = { type: 'watch', dueAtMs: nowMs + WATCH_EVERY_MS };
  if (others.includes('open')) return later;
  switch (answer.state) {
    case 'succeeded': {
      const { preimage, amountMsat, feeMsat } = answer;
      // A proof that does not fit is an answer that can not be used; the balance will tell.
      if (!isProof(preimage, attempt.invoice.paymentHash)) return later;
      return { type: 'arrived', preimage, amountMsat, feeMsat };
    }
    case 'in_flight':
      return { type: 'watch', dueAtMs: nowMs + LOOK_SOON_MS };
    case 'unknown':
      return later;
    case 'failed':
    case 'not_found':
      return nowMs >= (attempt.watchUntilMs ?? 0) ? { type: 'watch', dueAtMs: null } : later;
  }
}

async function othersOf(tx: Tx, attempt: SentAttempt): Promise<Attempt['state'][]> {
  const { merchantId, invoice } = attempt;
  const { paymentHash } = invoice;
  const known = await readAttemptsOfHash(tx, { merchantId, paymentHash });
  return known.filter(({ id }) => id !== attempt.id).map(({ state }) => state);
}

async function recordLate(
  tx: Tx,
  deps: AttemptDeps & { alerts: AlertDeps },
  late: { attempt: SentAttempt; nowMs: number } & Extract<WatchStep, { type: 'arrived' }>,
): Promise<void> {
  const { attempt, nowMs, preimage, amountMsat, feeMsat } = late;
  const { merchantId, payoutId, id: attemptId, invoice } = attempt;
  const { paymentHash } = invoice;
  const paid = { preimage: fromHex(preimage), sentMsat: amountMsat, feeMsat };
  await writeLateSuccess(tx, attempt, paid);
  const beyond = amountMsat + feeMsat - attempt.amountMsat;
  const change = {
    type: 'arrived_late',
    ...{ merchantId, payoutId, attemptId, paymentHash, preimage },
    feeMsat: beyond > 0n ? beyond : 0n,
  } as const;
  await deps.listener.attemptChanged(tx, { ids: deps.ids, nowMs }, change);
  await raiseAlert(tx, deps.alerts, {
    ...{ merchantId, kind: 'lightning_late_payment', subject: attemptId, severity: 'critical' },
    facts: { payoutId, paymentHash, amountMsat: (amountMsat + feeMsat).toString() },
  });
  deps.log.error({ merchantId, payoutId, attemptId, paymentHash }, 'a payment has arrived late');
}
