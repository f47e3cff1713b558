import type { LightningDryRun } from '@quittance/contract';
import type { Clock } from '@quittance/kernel';
import type { Database, Tx } from '../../../platform/db/index.ts';
import { failureClasses, type NodesOfStores, readAttempts } from '../../lightning/index.ts';
import { type LightningPayout, lightningPayout } from '../payout.ts';
import { readPayoutPolicy } from '../policy-store.ts';
import { factsOfReason } from '../reasons.ts';
import type { Screening, ScreenPayouts } from '../screening.ts';
import { readPayoutRow } from '../store.ts';
import { readHeldPayouts } from '../waiting-store.ts';
import { readPayoutsOfPayer } from './due-store.ts';
import { decideFor, reasonOfGivingUp, strategyOf } from './next-try.ts';
import type { LightningPayer } from './processor-store.ts';
import { refusalByRules } from './rules.ts';

/** Payouts that a dry run looks at. */
const LOOKED_AT = 100;

type Verdict = LightningDryRun['payouts'][number];

/**
 * Says what a run of the Lightning processor would do now with each payout, and why, without any
 * effect: no invoice is fetched, no node is asked to pay.
 */
export async function dryRunLightning(
  deps: {
    database: Database;
    clock: Clock;
    nodes: NodesOfStores;
    screen?: ScreenPayouts | undefined;
  },
  payer: LightningPayer,
): Promise<LightningDryRun> {
  const { merchantId, settings } = payer;
  const nowMs = deps.clock.nowMs();
  const connected = await deps.nodes.connectionOf(merchantId).catch(() => null);
  const balances = (await connected?.node.balances().catch(() => null)) ?? null;
  const verdicts = await deps.database.asTenant(merchantId, async (tx) => {
    const which = { merchantId, nowMs, withNew: true, limit: LOOKED_AT };
    const due = await readPayoutsOfPayer(tx, which);
    const on = {
      merchantId,
      method: 'lightning',
      walletId: null,
      nowMs,
      limit: LOOKED_AT,
    } as const;
    // No run looks at what a check holds before its pause is over, but people ask why.
    const held = await readHeldPayouts(tx, on);
    const payouts: LightningPayout[] = [];
    for (const own of [...due, ...held]) {
      const found = await readPayoutRow(tx, own);
      if (found !== undefined) payouts.push(lightningPayout(found));
    }
    const screenings = await deps.screen?.(tx, payouts);
    const all: Verdict[] = [];
    for (const payout of payouts) {
      all.push(await judge(tx, payer, { payout, nowMs, screening: screenings?.get(payout.id) }));
    }
    return all;
  });
  const sent = verdicts.filter(({ action }) => action === 'send');
  return {
    outcome: settings.paused ? 'paused' : sent.length > 0 ? 'paid' : 'nothing_to_do',
    payouts: verdicts,
    totalMsat: sent.reduce((sum, { amountMsat }) => sum + BigInt(amountMsat), 0n).toString(),
    sendableMsat: balances?.sendableMsat.toString() ?? null,
    at: new Date(nowMs).toISOString(),
  };
}

async function judge(
  tx: Tx,
  { settings }: LightningPayer,
  given: { payout: LightningPayout; nowMs: number; screening: Screening | undefined },
): Promise<Verdict> {
  const { payout, nowMs, screening } = given;
  const { id: payoutId, merchantId, destination, amountMsat, lightning } = payout;
  const about = {
    payoutId,
    destination,
    amountMsat: amountMsat.toString(),
    maxFeeMsat: lightning.feeLimitMsat.toString(),
  };
  const rule = refusalByRules(payout, settings, nowMs);
  if (rule !== null) {
    return { ...about, action: 'hold', reason: rule.reason, message: rule.detail };
  }
  if (screening?.ok === false) {
    return { ...about, action: 'hold', reason: 'destination_held', message: screening.reason };
  }
  const policy = await readPayoutPolicy(tx, merchantId);
  const strategy = strategyOf(payout, { processor: settings, policy });
  const attempts = await readAttempts(tx, { merchantId, payoutId });
  const world = { attempts, nowMs, sendableMsat: null, advice: null };
  const decision = decideFor(strategy, payout, world);
  switch (decision.action) {
    case 'send': {
      const last = attempts.at(-1)?.failure?.failureClass;
      const message = last === undefined ? 'The first attempt.' : failureClasses[last].operator;
      return { ...about, action: 'send', reason: null, message };
    }
    case 'wait': {
      const message = `It waits until ${new Date(decision.untilMs).toISOString()}.`;
      return { ...about, action: 'wait', reason: decision.reason, message };
    }
    case 'give_up': {
      const reason = reasonOfGivingUp(decision);
      const { message } = factsOfReason(reason, 'lightning');
      return { ...about, action: 'give_up', reason, message };
    }
  }
}
