import type { LightningNetwork } from '@quittance/bitcoin';
import type { Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { AlertDeps } from '../../../telling/notifications/index.ts';
import type {
  AttemptDeps,
  AttemptFailure,
  InvoiceFacts,
  StrategyAdvice,
} from '../../lightning/index.ts';
import type { LightningPayout, Payout, PayoutListener } from '../payout.ts';
import type { Screening } from '../processors/choose-payouts.ts';

/** An invoice that a destination gave just now. */
export type FreshInvoice = {
  readonly text: string;
  readonly paymentHash: string;
  readonly facts: InvoiceFacts;
};

export type ResolvedInvoice =
  | { readonly ok: true; readonly invoice: FreshInvoice }
  | {
      readonly ok: false;
      readonly failure: AttemptFailure;
      /** False: the same destination will give none later either. */
      readonly retryable: boolean;
    };

/** Gives an invoice for an invoice, a Lightning address or an LNURL. Never throws for the service. */
export type InvoiceResolver = (request: {
  destination: string;
  amountMsat: Msats;
  network: LightningNetwork;
  nowMs: number;
  minRemainingMs: number;
}) => Promise<ResolvedInvoice>;

/** What paying payouts over Lightning works with. */
export type LightningPayoutDeps = Omit<AttemptDeps, 'listener'> & {
  readonly network: LightningNetwork;
  readonly resolve: InvoiceResolver;
  /** Told of every change of a payout. */
  readonly listener: PayoutListener;
  /** Says of destinations whether they may be paid; in the transaction that begins. */
  readonly screen?: (tx: Tx, payouts: readonly Payout[]) => Promise<ReadonlyMap<string, Screening>>;
  /** What history suggests; it only advises. */
  readonly advise?: (
    tx: Tx,
    payout: LightningPayout,
    nowMs: number,
  ) => Promise<StrategyAdvice | null>;
  readonly readAudience: AlertDeps['readAudience'];
};

export type OwnPayout = { readonly merchantId: Uuid; readonly id: Uuid };
