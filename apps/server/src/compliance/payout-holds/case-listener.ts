import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  cancelPayout,
  lockPayoutsById,
  type Payout,
  type PayoutDeps,
} from '../../paying/payouts/index.ts';
import type { CaseDecision, CaseListener } from '../cases/index.ts';
import { decideHold, type PayoutHold } from './hold.ts';
import { readHolds, readHoldsOfCase, ringChecks, writeHold } from './store.ts';

/** Where nothing has been sent yet. */
const WAITING: ReadonlySet<string> = new Set(['awaiting_approval', 'approved']);

/**
 * Does what a decided case says to the payouts that it holds, in the transaction that closes it. What
 * is under way or sent is left alone: it can not be taken back. A report alone leaves them held.
 */
export function createPayoutCaseListener(deps: PayoutDeps): CaseListener {
  return {
    async lock(tx, decision) {
      await lockPayouts(tx, decision);
    },
    async caseDecided(tx, telling, decision) {
      const { outcome, subject } = decision;
      if (outcome === 'report') return;
      const payouts = await lockPayouts(tx, decision);
      const waiting = payouts.filter(({ state }) => WAITING.has(state));
      if (subject.type === 'payout' && waiting.length === 0 && stops(outcome)) throw tooLate();
      const holds = await holdsOf(tx, decision, waiting);
      for (const payout of waiting) {
        if (outcome === 'refund') {
          await cancelPayout(tx, deps, telling, payout);
          continue;
        }
        const hold = holds.get(payout.id) ?? noHold(payout);
        const next = decideHold({ ...hold, caseId: decision.caseId }, outcome);
        if (next !== undefined) await writeHold(tx, next, telling.nowMs);
      }
      // Held or freed as it is decided, by whoever looks at waiting payouts.
      await ringChecks(tx);
    },
  };
}

function stops(outcome: CaseDecision['outcome']): boolean {
  return outcome === 'freeze' || outcome === 'refund';
}

/** The payouts that the case holds; a case about a payout is about it in any case. In order of ids. */
async function lockPayouts(tx: Tx, decision: CaseDecision): Promise<Payout[]> {
  const { merchantId, subject } = decision;
  const holds = await readHoldsOfCase(tx, decision);
  const ids = new Set(holds.map(({ payoutId }) => payoutId));
  if (subject.type === 'payout') ids.add(subject.id as Uuid);
  if (ids.size === 0) return [];
  return await lockPayoutsById(tx, { merchantId, ids: [...ids] });
}

async function holdsOf(
  tx: Tx,
  { merchantId }: CaseDecision,
  payouts: readonly Payout[],
): Promise<Map<Uuid, PayoutHold>> {
  const payoutIds = payouts.map(({ id }) => id);
  const holds = await readHolds(tx, { merchantId, payoutIds });
  return new Map(holds.map((hold) => [hold.payoutId, hold]));
}

/** A person noticed it, and no rule. */
function noHold({ merchantId, id: payoutId }: Payout): PayoutHold {
  const nothing = { found: [], released: [], identifiers: [] };
  return { merchantId, payoutId, state: 'lifted', ...nothing, caseId: null, version: 0 };
}

function tooLate(): AppError {
  return new AppError(
    'conflict',
    'The payout is being paid or has ended; nothing can stop it now.',
  );
}
