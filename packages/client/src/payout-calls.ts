import type {
  LightningAttempt,
  LightningDryRun,
  LightningSchedule,
  PreviewLightningStrategy,
  AcceptPayoutBatch,
  ApprovePayout,
  CreatePayout,
  CreatePayoutBatch,
  CreatePayoutProcessor,
  Page,
  Payout,
  PayoutBatch,
  PayoutBatchVerdict,
  PayoutPolicy,
  PayoutProcessor,
  PayoutProcessorDryRun,
  PayoutState,
  PayoutSummary,
  PayPayout,
  UpdatePayoutProcessor,
} from '@quittance/contract';
import { type PageRequest, step, toPageQuery } from './paths.ts';
import type { Call, CallOptions } from './transport.ts';

type Calls = {
  get: <A>(path: string, query?: Call['query']) => Promise<A>;
  post: <A>(path: string, body: unknown, options?: CallOptions) => Promise<A>;
  patch: <A>(path: string, body: unknown) => Promise<A>;
  remove: <A>(path: string) => Promise<A>;
};

/** Paying out: single payouts, batches, the rules for both, and who pays by itself. */
export function payoutCalls({ get, post, patch, remove }: Calls) {
  const payouts = '/v1/payouts';
  const batches = '/v1/payout-batches';
  const processors = '/v1/payout-processors';
  return {
    payouts: {
      create: (payout: CreatePayout, options?: CallOptions) =>
        post<Payout>(payouts, payout, options),
      read: (id: string) => get<Payout>(`${payouts}/${step(id)}`),
      list: (
        page: PageRequest & { state?: PayoutState; batchId?: string; externalId?: string } = {},
      ) =>
        get<Page<Payout>>(payouts, {
          ...toPageQuery(page),
          state: page.state,
          batch_id: page.batchId,
          external_id: page.externalId,
        }),
      summary: () => get<PayoutSummary>(`${payouts}/summary`),
      /** Every try to pay it over Lightning, and why it ended. */
      attempts: (id: string) => get<Page<LightningAttempt>>(`${payouts}/${step(id)}/attempts`),
      /** With a person's signature where the signer asks for one. */
      approve: (id: string, approval?: ApprovePayout, options?: CallOptions) =>
        post<Payout>(`${payouts}/${step(id)}/approve`, approval ?? undefined, options),
      cancel: (id: string, options?: CallOptions) =>
        post<Payout>(`${payouts}/${step(id)}/cancel`, undefined, options),
      /** Lets the processor try a waiting one at its next run. */
      retry: (id: string, options?: CallOptions) =>
        post<Payout>(`${payouts}/${step(id)}/retry`, undefined, options),
      /** Has an approved one paid now, by itself. */
      pay: (id: string, terms?: PayPayout, options?: CallOptions) =>
        post<Payout>(`${payouts}/${step(id)}/pay`, terms ?? undefined, options),
    },
    payoutBatches: {
      /** Checks every line; nothing is made before the batch is accepted. */
      check: (batch: CreatePayoutBatch, options?: CallOptions) =>
        post<PayoutBatchVerdict>(batches, batch, options),
      read: (id: string) => get<PayoutBatchVerdict>(`${batches}/${step(id)}`),
      list: (page: PageRequest = {}) => get<Page<PayoutBatch>>(batches, toPageQuery(page)),
      accept: (id: string, what?: AcceptPayoutBatch, options?: CallOptions) =>
        post<PayoutBatch>(`${batches}/${step(id)}/accept`, what ?? undefined, options),
      approve: (id: string, options?: CallOptions) =>
        post<{ approved: number }>(`${batches}/${step(id)}/approve`, undefined, options),
    },
    payoutPolicy: {
      read: () => get<PayoutPolicy>('/v1/payout-policy'),
      update: (change: Partial<PayoutPolicy>) => patch<PayoutPolicy>('/v1/payout-policy', change),
    },
    payoutProcessors: {
      create: (processor: CreatePayoutProcessor, options?: CallOptions) =>
        post<PayoutProcessor>(processors, processor, options),
      read: (id: string) => get<PayoutProcessor>(`${processors}/${step(id)}`),
      list: () => get<Page<PayoutProcessor>>(processors),
      update: (id: string, change: UpdatePayoutProcessor) =>
        patch<PayoutProcessor>(`${processors}/${step(id)}`, change),
      delete: (id: string) => remove<PayoutProcessor>(`${processors}/${step(id)}`),
      /** Says what a run would do now; does nothing. */
      dryRun: (id: string, options?: CallOptions) =>
        post<PayoutProcessorDryRun | LightningDryRun>(
          `${processors}/${step(id)}/dry-run`,
          undefined,
          options,
        ),
      /** When a strategy would try a Lightning payout, if every attempt failed. */
      previewStrategy: (wanted: PreviewLightningStrategy, options?: CallOptions) =>
        post<LightningSchedule>('/v1/lightning/strategies/preview', wanted, options),
    },
  };
}
