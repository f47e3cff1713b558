import { randomFillSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import {
  type InvoiceResolver,
  trackAttempts,
} from '../../apps/server/src/paying/lightning/index.ts';
import {
  attemptDepsOf,
  createLightningPayments,
} from '../../apps/server/src/paying/payouts/index.ts';
import { payoutListener } from '../../apps/server/src/wiring/paying/payout-listeners.ts';
import { audienceReader } from '../../apps/server/src/telling/notifications/index.ts';
import { readMerchant } from '../../apps/server/src/tenancy/merchants/index.ts';
import type { LightningApi } from './lightning-api.ts';

/** As often as the server's own loops look when nobody has rung. */
const LOOK_EVERY_MS = 200;

/** What a worker does for payouts over Lightning, for invoices alone. */
export function startLightningPayer(
  api: Pick<LightningApi, 'database' | 'nodes'>,
  resolve: InvoiceResolver,
): { stop(): Promise<void>; errors: unknown[] } {
  const random = (target: Uint8Array) => randomFillSync(target);
  const errors: unknown[] = [];
  const note = (detail: unknown) => void errors.push(detail);
  const deps = {
    ...{ database: api.database, clock: systemClock, nodes: api.nodes, random, resolve },
    ids: uuidV7Ids(systemClock, random),
    network: 'regtest',
    listener: payoutListener,
    readAudience: audienceReader({ readMerchant, operatorEmails: undefined }),
    log: { info() {}, warn() {}, error: note },
  } as const;
  const payments = createLightningPayments(deps);
  const attempts = attemptDepsOf(deps);
  const stopping = new AbortController();
  const { signal } = stopping;
  async function run(): Promise<void> {
    while (!signal.aborted) {
      await payments.runDue(signal).catch(note);
      await trackAttempts(attempts, signal).catch(note);
      await sleep(LOOK_EVERY_MS);
    }
  }
  const running = run();
  return {
    errors,
    async stop() {
      stopping.abort();
      await running;
      await payments.settle();
    },
  };
}
