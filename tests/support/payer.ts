import type { PayoutProcessorSettings, PayoutState } from '@quittance/contract';
import { defaultPayoutProcessor } from '@quittance/contract';
import type { Sats, Uuid } from '@quittance/kernel';
import {
  approvePayout,
  createPayout,
  createPayoutListener,
  noPayoutListener,
  type Payout,
  type ProcessorDeps,
  PROCESSORS_CHANNEL,
  requestPayment,
  runDuePayouts,
} from '../../apps/server/src/paying/payouts/index.ts';
import type { FeeEstimator, ServerApprover } from '../../apps/server/src/paying/spends/index.ts';
import { startLoop } from '../../apps/server/src/platform/loops/index.ts';
import { eventually } from './shop.ts';
import type { Vault } from './vault.ts';

/** What turns news of spends into states of payouts: give it to the vault. */
export const payoutSpendListener = createPayoutListener({ listener: noPayoutListener });

const TICK_MS = 50;
/** Rounds of work beyond which something goes round in circles. */
const MAX_ROUNDS = 2_000;

/** A store that pays out of a vault: payouts and processors, and workers where wanted. */
export interface Payer {
  readonly deps: ProcessorDeps;
  /** Makes a payout, and approves it unless told otherwise. */
  payout(
    to: string,
    amountSats: Sats,
    more?: { approve?: boolean; feeFrom?: 'sender' | 'recipient' },
  ): Promise<Uuid>;
  approve(id: Uuid): Promise<void>;
  /** A person wants it paid now. */
  payNow(id: Uuid): Promise<void>;
  read(id: Uuid): Promise<PayoutView>;
  until(id: Uuid, wanted: Partial<PayoutView>): Promise<PayoutView>;
  /** Makes the wallet's processor: at once and without limits, but for what is said. */
  processor(settings?: Partial<PayoutProcessorSettings>): Promise<Uuid>;
  /** One round after the other until nothing is left to do. */
  round(deps?: ProcessorDeps): Promise<void>;
  /** Starts a worker; several may run. */
  work(deps?: ProcessorDeps): { stop(): Promise<void> };
  stop(): Promise<void>;
}

export type PayoutView = {
  state: PayoutState;
  reason: string | null;
  origin: string | null;
  spend_id: Uuid | null;
  attempts: number;
  txid: string | null;
};

export function openPayer(
  vault: Vault,
  options: { approver?: ServerApprover; fees?: FeeEstimator } = {},
): Payer {
  const { shop, merchantId, walletId } = vault;
  const { clock, ids, random } = vault.deps;
  const fees = options.fees ?? vault.deps.fees;
  const deps: ProcessorDeps = {
    ...{ clock, ids, random, fees, database: shop.database },
    approver: options.approver ?? null,
    listener: noPayoutListener,
    readAudience: async () => ({ store: 'S', locale: 'en', emails: [] }),
    log: { info: () => undefined, warn: logWarning },
  };
  const common = { network: 'regtest', listener: noPayoutListener } as const;
  const telling = () => ({ ids, nowMs: clock.nowMs() });
  const loops: { stop(): Promise<void> }[] = [];

  const payer: Payer = {
    deps,
    async payout(destination, amountSats, { approve = true, feeFrom = 'sender' } = {}) {
      const made = await shop.database.asTenant(
        merchantId,
        (tx): Promise<Payout> =>
          createPayout(tx, common, telling(), {
            ...{
              merchantId,
              walletId,
              destination,
              feeFrom,
              createdBy: 'key:maker',
              source: 'api',
            },
            ...{ amount: amountSats.toString(), currency: 'SAT', quote: null },
          }),
      );
      if (approve) await payer.approve(made.id);
      return made.id;
    },
    async approve(id) {
      await shop.database.asTenant(merchantId, (tx) =>
        approvePayout(tx, common, telling(), {
          own: { merchantId, id },
          approving: { by: 'key:approver', signature: null },
        }),
      );
    },
    async payNow(id) {
      await shop.database.asTenant(merchantId, (tx) =>
        requestPayment(tx, common, telling(), {
          ...{ own: { merchantId, id }, by: 'key:approver', terms: undefined },
        }),
      );
    },
    async read(id) {
      const [row] = await shop.sql<PayoutView>(
        `SELECT state, reason, origin, spend_id, attempts, encode(txid, 'hex') AS txid
           FROM payout WHERE id = $1`,
        [id],
      );
      if (row === undefined) throw new Error(`there is no payout ${id}`);
      return row;
    },
    async until(id, wanted) {
      let last = await payer.read(id);
      await eventually(`the payout is ${JSON.stringify(wanted)}`, async () => {
        last = await payer.read(id);
        const read = last;
        const fits = Object.entries(wanted).every(
          ([name, value]) => Reflect.get(read, name) === value,
        );
        return fits ? true : read;
      });
      return last;
    },
    async processor(settings = {}) {
      const id = ids.next();
      const all = {
        ...{ ...defaultPayoutProcessor, intervalSeconds: 0 },
        feePolicy: { targetBlocks: 2, maxFeeRateSatPerVb: 500, maxFeeShareBps: 10_000 },
        ...settings,
      };
      await shop.sql(
        `INSERT INTO payout_processor (merchant_id, id, kind, wallet_id, settings, paused, due_at,
                created_at, updated_at)
         VALUES ($1, $2, 'onchain', $3, $4, false, to_timestamp(0), now(), now())
         ON CONFLICT (merchant_id, wallet_id) DO UPDATE
            SET settings = excluded.settings, due_at = excluded.due_at, failures = 0`,
        [merchantId, id, walletId, JSON.stringify(all)],
      );
      return id;
    },
    async round(own = deps) {
      for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
        if ((await runDuePayouts(own, new AbortController().signal)) !== 'again') return;
      }
      throw new Error('the processors find no rest');
    },
    work(own = deps) {
      const loop = startLoop({
        name: 'payouts',
        everyMs: TICK_MS,
        run: (signal) => runDuePayouts(own, signal),
        wake: (ring) => own.database.listen(PROCESSORS_CHANNEL, { message: ring, gap: ring }),
        onError: (error) => logWarning({ error }, 'the payouts’ worker stumbled'),
        clock,
      });
      loops.push(loop);
      return loop;
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
  return payer;
}

function logWarning(fields: object, message: string): void {
  if (process.env['QUITTANCE_TEST_LOG'] !== undefined) console.warn(message, fields);
}
