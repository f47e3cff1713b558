import type { PayoutProcessor } from '@quittance/contract';
import type { Processor } from './store.ts';

/** A processor as it is answered. */
export function processorJson(processor: Processor): PayoutProcessor {
  return {
    id: processor.id,
    merchantId: processor.merchantId,
    kind: processor.kind,
    walletId: processor.walletId,
    ...processor.settings,
    createdAt: new Date(processor.createdAtMs).toISOString(),
    updatedAt: new Date(processor.updatedAtMs).toISOString(),
    lastRunAt:
      processor.lastRunAtMs === null ? null : new Date(processor.lastRunAtMs).toISOString(),
    lastOutcome: processor.lastOutcome,
  };
}
