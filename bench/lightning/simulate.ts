import type { StrategyAttempt } from '../../apps/server/src/paying/lightning/index.ts';
import { makeNode, type PayerNode } from './node.ts';
import { makeQueue } from './queue.ts';
import { type Ended, msats, type Rule } from './rules.ts';
import type { Payout } from './workload.ts';
import type { World } from './world.ts';

/** What became of one payout. */
export type Fate = {
  readonly payout: Payout;
  readonly paid: boolean;
  readonly endedAtMs: number;
  readonly attempts: readonly SimulatedAttempt[];
  readonly feeSat: number;
};

export type SimulatedAttempt = StrategyAttempt & {
  readonly outcome: Ended['outcome'];
  readonly timeoutMs: number;
};

/** More than any rule needs; a rule beyond it does not end. */
const MAX_STEPS_OF_PAYOUT = 5_000;

/**
 * Lets a rule pay all payouts, in the order of time: they share the node, its balances and what the
 * rule has learnt.
 */
export function simulate(world: World, payouts: readonly Payout[], rule: Rule): Fate[] {
  const node = makeNode(world);
  const running = payouts.map((payout) => ({
    ...{ payout, attempts: [] as SimulatedAttempt[], steps: 0 },
    open: null as (() => Fate | null) | null,
  }));
  const fates: Fate[] = [];
  const queue = makeQueue();
  const times = payouts.map(({ createdAtMs }) => createdAtMs);
  payouts.forEach(({ createdAtMs }, i) => queue.push(createdAtMs, i));
  const wake = (i: number, atMs: number) => {
    times[i] = atMs;
    queue.push(atMs, i);
  };
  for (let i = queue.pop(); i !== null; i = queue.pop()) {
    const one = running[i];
    const nowMs = times[i];
    if (one === undefined || nowMs === undefined) throw new Error('a payout that is not there');
    const fate = one.open?.() ?? null;
    one.open = null;
    if (fate !== null) {
      fates.push(fate);
      continue;
    }
    one.steps += 1;
    if (one.steps > MAX_STEPS_OF_PAYOUT) throw new Error(`${rule.name} does not end`);
    const { payout, attempts } = one;
    const sendableSat = node.sendableSat(nowMs);
    const step = rule.next({ payout, nowMs, attempts, sendableSat });
    if (step.action === 'give_up') {
      fates.push({ payout, attempts, paid: false, endedAtMs: nowMs, feeSat: 0 });
    } else if (step.action === 'wait') {
      wake(i, step.untilMs);
    } else {
      const { feeLimitSat, timeoutMs } = step;
      const ended = attempt(node, payout, { feeLimitSat, timeoutMs, atMs: nowMs });
      const endedAtMs = nowMs + ended.durationMs;
      const { outcome, feeSat } = ended;
      one.open = () => {
        rule.ended(payout, nowMs, ended);
        attempts.push({
          ...{ startedAtMs: nowMs, endedAtMs, outcome, timeoutMs },
          failureClass: outcome === 'succeeded' ? null : outcome,
          feeLimitMsat: msats(feeLimitSat),
        });
        return outcome === 'succeeded' ? { payout, attempts, paid: true, endedAtMs, feeSat } : null;
      };
      wake(i, endedAtMs);
    }
  }
  return fates.toSorted((a, b) => a.payout.number - b.payout.number);
}

function attempt(
  node: PayerNode,
  payout: Payout,
  request: { feeLimitSat: number; timeoutMs: number; atMs: number },
): Ended {
  const { expiresAtMs, recipient, amountSat } = payout;
  if (expiresAtMs !== null && request.atMs >= expiresAtMs) {
    return { outcome: 'expired', durationMs: 20, feeSat: 0, failedAt: null };
  }
  return node.pay({ ...request, recipient, amountSat });
}
