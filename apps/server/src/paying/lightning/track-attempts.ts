import type { PaymentOutcome } from '../../receiving/lightning/index.ts';
import type { Attempt } from './attempt.ts';
import { claimDueAttempts, wakeAttempts } from './attempt-store.ts';
import type { AttemptDeps } from './deps.ts';
import { lightningFaultPoint } from './fault-points.ts';
import { isSent, recordAnswer } from './record-answer.ts';
import { sendAgain } from './send-attempt.ts';

/** Attempts that one worker asks about at once. */
const AT_ONCE = 16;
/** A worker usually has an attempt alone for so long; another one's look does no harm. */
const LEASE_MS = 30_000;

/**
 * Asks the nodes about open attempts that are due, whoever began them and however long ago, until
 * each has ended. Any number of workers may.
 * @returns 'again' when there may be more
 */
export async function trackAttempts(
  deps: AttemptDeps,
  signal: AbortSignal,
): Promise<'again' | void> {
  const nowMs = deps.clock.nowMs();
  const claim = { nowMs, leaseMs: LEASE_MS, limit: AT_ONCE };
  const due = await deps.database.asSystem((tx) => claimDueAttempts(tx, claim));
  const failures: unknown[] = [];
  await Promise.all(
    due.map(async (attempt) => {
      if (signal.aborted) return;
      await trackOne(deps, attempt).catch((error: unknown) => failures.push(error));
    }),
  );
  // The others of the round were done all the same; the loop reports and slows down.
  if (failures.length > 0) throw failures[0];
  if (due.length === AT_ONCE) return 'again';
}

/** Recovery, once when a worker starts: whatever was under way is asked about at once. */
export async function recoverAttempts({
  database,
  clock,
}: Pick<AttemptDeps, 'database' | 'clock'>): Promise<void> {
  await database.asSystem((tx) => wakeAttempts(tx, clock.nowMs()));
}

async function trackOne(deps: AttemptDeps, attempt: Attempt): Promise<void> {
  if (!isSent(attempt)) return;
  const connected = await connect(deps, attempt);
  const asked = { isOwnReply: false, askedAtMs: deps.clock.nowMs() };
  if ('detail' in connected) {
    const silence = { state: 'unknown', detail: connected.detail } as const;
    await recordAnswer(deps, attempt, silence, asked);
    return;
  }
  const answer = await ask(() => connected.node.trackPayment(attempt.invoice.paymentHash));
  lightningFaultPoint('lightning-tracked-unsaved');
  const verdict = await recordAnswer(deps, attempt, answer, asked);
  if (verdict?.type === 'open' && verdict.maySendAgain) {
    await sendAgain(deps, connected.node, attempt);
  }
}

/** Only the node that was asked to pay can say what became of it. */
export async function connect(deps: AttemptDeps, attempt: Attempt) {
  try {
    const connected = await deps.nodes.connectionOf(attempt.merchantId);
    if (connected === null) return { detail: 'the store has no Lightning node any more' };
    if (connected.id === attempt.node?.id) return connected;
    const { nodeId } = await connected.node.info();
    if (nodeId === attempt.node?.key) return connected;
    return { detail: 'the store is connected to another Lightning node than the one that pays' };
  } catch (error) {
    return { detail: error instanceof Error ? error.message : String(error) };
  }
}

export async function ask(question: () => Promise<PaymentOutcome>): Promise<PaymentOutcome> {
  try {
    return await question();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { state: 'unknown', detail };
  }
}
