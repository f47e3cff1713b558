import type { Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Rescreener } from '../screening/index.ts';
import { applyCustomerEvent } from './customer.ts';
import { runErasures } from './erase-customer.ts';
import { change, lockFamily, ownOf } from './family.ts';
import type { CustomerDeps } from './ports.ts';
import { type AskDeps, askProvider } from './provider/ask-provider.ts';
import { screenCustomer } from './screen-customer.ts';
import { type OwnCustomer, updateCustomer } from './store.ts';
import { claimDueVerifications } from './verification-store.ts';
import { claimCustomersToScreen, findDueCustomers, readCustomersAfter } from './work-store.ts';

/** What one round takes; the next follows at once while there is more. */
const BATCH = 50;
/** Longer than a batch takes: who crashes with it leaves it to others after this. */
const LEASE_MS = 300_000;

export type WorkDeps = CustomerDeps & { database: Database; onError(error: unknown): void };

/** Screens customers that are due, one transaction for each. @returns whether there may be more */
export async function screenDue(deps: WorkDeps, signal: AbortSignal): Promise<boolean> {
  // A process without lists would only push customers ahead of itself.
  if (deps.screener === undefined) return false;
  const nowMs = deps.clock.nowMs();
  const claim = { nowMs, untilMs: nowMs + LEASE_MS, limit: BATCH };
  const due = await deps.database.asSystem((tx) => claimCustomersToScreen(tx, claim));
  await each(deps, due, signal, (tx, own) => screen(tx, deps, own));
  return due.length === BATCH;
}

async function screen(tx: Tx, deps: CustomerDeps, own: OwnCustomer): Promise<void> {
  const family = await lockFamily(tx, deps, own);
  await screenCustomer(tx, deps, family, { by: 'system', nowMs: deps.clock.nowMs() });
}

/**
 * Screens everybody after a switch of lists (compliance/screening). A page that comes again finds the
 * same hits known, and changes nothing.
 */
export function createCustomerRescreener(deps: WorkDeps): Rescreener {
  return {
    async rescreen({ screener, position, limit, signal }) {
      const after = position ?? '00000000-0000-0000-0000-000000000000';
      const page = await deps.database.asSystem((tx) => readCustomersAfter(tx, { after, limit }));
      const failed = await each(deps, page, signal, (tx, own) =>
        screen(tx, { ...deps, screener }, own),
      );
      const last = page.at(-1);
      const isEnd = page.length < limit || last === undefined;
      // Who could not be screened is due as ever, so that the daily round finds him soon.
      return { screened: page.length - failed, next: isEnd ? null : last.id };
    },
  };
}

/** Lets verifications expire, tells of reviews that are due. @returns whether there may be more */
export async function passTime(deps: WorkDeps, signal: AbortSignal): Promise<boolean> {
  const nowMs = deps.clock.nowMs();
  const due = await deps.database.asSystem((tx) => findDueCustomers(tx, { nowMs, limit: BATCH }));
  const failed = await each(deps, due, signal, (tx, own) => passTimeOf(tx, deps, own, nowMs));
  return due.length === BATCH && failed === 0;
}

async function passTimeOf(
  tx: Tx,
  deps: CustomerDeps,
  own: OwnCustomer,
  nowMs: number,
): Promise<void> {
  const family = await lockFamily(tx, deps, own);
  const before = ownOf(family);
  const time = { type: 'time' } as const;
  const step = applyCustomerEvent(before, time, { rules: family.settings, nowMs });
  if (!step.ok) return;
  if (step.changed) {
    const doing = { by: 'system', nowMs };
    await change(tx, deps, family, { event: time, noted: { action: 'expired' }, doing });
    await tell(tx, deps, own, { rule: 'verification_expired', key: `${before.version}`, nowMs });
    return;
  }
  const { reviewDueAtMs, reviewToldAtMs } = before;
  if (reviewDueAtMs === null || reviewDueAtMs > nowMs || reviewToldAtMs !== null) return;
  await updateCustomer(tx, { ...before, reviewToldAtMs: nowMs });
  await tell(tx, deps, own, { rule: 'review_due', key: `${reviewDueAtMs}`, nowMs });
}

const SUMMARIES = {
  verification_expired: 'The verification of a customer has run out.',
  review_due: 'The periodic review of a customer is due.',
} as const;

async function tell(
  tx: Tx,
  deps: CustomerDeps,
  own: OwnCustomer,
  what: { rule: keyof typeof SUMMARIES; key: string; nowMs: number },
): Promise<void> {
  await deps.raiseAlert(
    tx,
    { ids: deps.ids, nowMs: what.nowMs },
    {
      ...{ merchantId: own.merchantId, source: 'customer', rule: what.rule, severity: 'low' },
      subject: { type: 'customer', id: own.id },
      summary: SUMMARIES[what.rule],
      facts: { customerId: own.id },
      dedupeKey: `customer-${what.rule}:${own.id}:${what.key}`,
    },
  );
}

/** Erases whose time is over. @returns whether there may be more */
export async function eraseDue(deps: WorkDeps, signal: AbortSignal): Promise<boolean> {
  return await runErasures(deps.database, deps, signal);
}

/** Asks providers about verifications that are due. @returns whether there may be more */
export async function askDue(
  deps: AskDeps & { onError(error: unknown): void },
  signal: AbortSignal,
): Promise<boolean> {
  const nowMs = deps.clock.nowMs();
  const claim = { nowMs, untilMs: nowMs + LEASE_MS, limit: BATCH };
  const due = await deps.database.asSystem((tx) => claimDueVerifications(tx, claim));
  // Providers are slow, not busy: all of a batch at once, so that a silent one stops nobody else.
  await Promise.all(
    due.map((verification) =>
      askProvider(deps, verification, signal).catch((error: unknown) => deps.onError(error)),
    ),
  );
  return due.length === BATCH;
}

/** Each in a transaction of its own: what fails for one is told, and tried again when it is due. */
async function each(
  deps: WorkDeps,
  all: readonly { merchantId: Uuid; id: Uuid }[],
  signal: AbortSignal,
  work: (tx: Tx, own: OwnCustomer) => Promise<void>,
): Promise<number> {
  let failed = 0;
  for (const own of all) {
    if (signal.aborted) return failed;
    try {
      await deps.database.asSystem((tx) => work(tx, own));
    } catch (error) {
      failed++;
      deps.onError(error);
    }
  }
  return failed;
}
