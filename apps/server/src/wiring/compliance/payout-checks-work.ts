import {
  payoutPreview,
  payoutScreen,
  startPayoutChecks,
} from '../../compliance/payout-holds/index.ts';
import type { Screener } from '../../compliance/screening/index.ts';
import { travelRuleScreen } from '../../compliance/travel-rule/index.ts';
import type { FlowOptions } from '../flow.ts';
import type { ScreenPayouts } from '../../paying/payouts/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Loop } from '../../platform/loops/index.ts';
import { payoutListener } from '../paying/payout-listeners.ts';
import type { Screening } from './screening-work.ts';

/** What every way of paying asks before it commits to pay: on chain and over Lightning alike. */
export function screenOfPayouts(
  { clock }: Pick<FlowOptions, 'clock'>,
  screening: Screening,
): ScreenPayouts {
  return payoutScreen({
    clock,
    lists: {
      lookupAddress: (asset, address) => screening.screener().lookupAddress(asset, address),
    },
    epoch: () => screening.screener().epoch(),
    also: travelRuleScreen({ clock }),
  });
}

/** What a dry run says of the same payouts. */
export function previewOfPayouts(
  { clock }: Pick<FlowOptions, 'clock'>,
  lists: Pick<Screener, 'lookupAddress'>,
): ScreenPayouts {
  return payoutPreview({ clock, lists, also: travelRuleScreen({ clock }) });
}

/** Looks at waiting payouts again when lists, customers or decisions change. */
export function usePayoutChecks(
  lifecycle: Lifecycle,
  { clock, ids, log }: Pick<FlowOptions, 'clock' | 'ids' | 'log'>,
  parts: { database: Database; screening: Screening; loops: Loop[] },
): void {
  const { database, screening, loops } = parts;
  lifecycle.use('payout checks', () => {
    const loop = startPayoutChecks({
      ...{ database, clock, ids, listener: payoutListener, lists: screening.screener() },
      also: travelRuleScreen({ clock }),
      onError: (error) => log.warn({ error }, 'waiting payouts can not be checked'),
    });
    loops.push(loop);
    return loop;
  });
}
