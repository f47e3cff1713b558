import type { LightningNetwork } from '@quittance/bitcoin';
import type { LightningStrategy } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { AlertDeps } from '../../../telling/notifications/index.ts';
import type {
  AttemptDeps,
  InvoiceResolver,
  StrategyAdvice,
  StrategyHistory,
} from '../../lightning/index.ts';
import type { LightningPayout, PayoutListener } from '../payout.ts';
import type { ScreenPayouts } from '../screening.ts';
import type { DuePayoutOfPayer } from './due-store.ts';

/** What paying payouts over Lightning works with. */
export type LightningPayoutDeps = Omit<AttemptDeps, 'listener'> & {
  readonly network: LightningNetwork;
  readonly resolve: InvoiceResolver;
  /** Told of every change of a payout. */
  readonly listener: PayoutListener;
  /** Says of payouts whether they may be paid; in the transaction that begins. */
  readonly screen?: ScreenPayouts;
  /** What history suggests; it only advises. */
  readonly advise?: (
    tx: Tx,
    payout: LightningPayout,
    asked: { strategy: LightningStrategy; history: StrategyHistory; nowMs: number },
  ) => Promise<StrategyAdvice | null>;
  /** In which order a store's payouts are begun when not all that are due can be. */
  readonly order?: (
    tx: Tx,
    merchantId: Uuid,
    waiting: { due: readonly DuePayoutOfPayer[]; nowMs: number },
  ) => Promise<DuePayoutOfPayer[]>;
  readonly readAudience: AlertDeps['readAudience'];
};

export type OwnPayout = { readonly merchantId: Uuid; readonly id: Uuid };
