import type { Clock, Ids, Random } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import type { AlertDeps } from '../../../telling/notifications/index.ts';
import type { FeeEstimator, ServerApprover } from '../../spends/index.ts';
import type { PayoutListener } from '../payout.ts';
import type { ScreenPayouts } from '../screening.ts';

export type ProcessorLog = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

/** What becomes of runs is counted for the operator. */
export type ProcessorNotices = {
  ran?(outcome: string, origin: 'processor_auto' | 'manual'): void;
  paid?(count: number, origin: 'processor_auto' | 'manual'): void;
};

/** What planning payouts works with, automatic or by hand. */
export type PlanningDeps = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly fees: FeeEstimator;
  /**
   * The server's own word to the signer for what is approved here; null: only persons sign. What it
   * counts for is the signer's policy to say (ADR 0009).
   */
  readonly approver: ServerApprover | null;
  /** Says of payouts whether they may be paid; in the transaction that plans. */
  readonly screen?: ScreenPayouts;
};

/** What processors work with. */
export type ProcessorDeps = PlanningDeps & {
  readonly database: Database;
  readonly listener: PayoutListener;
  readonly readAudience: AlertDeps['readAudience'];
  readonly log: ProcessorLog;
  readonly notices?: ProcessorNotices;
};
