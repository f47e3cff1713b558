import { randomFillSync, randomUUID } from 'node:crypto';
import { ledgerBalancesSchema } from '@quittance/contract';
import { type Clock, manualClock, systemClock, uuidV7Ids } from '@quittance/kernel';
import { z } from 'zod';
import { startTestApi } from '../../../../../../tests/support/api.ts';
import { createTestDatabase } from '../../../../../../tests/support/postgres.ts';
import {
  orderSettled,
  paymentConfirmed,
  paymentSeen,
  postTransfers,
  verifyJournal,
} from '../../../accounting/ledger/index.ts';
import type { LightningNode } from '../../../receiving/lightning/index.ts';
import { type InvoiceResolver, invoiceResolver, trackAttempts } from '../../lightning/index.ts';
import type { PayoutListener } from '../payout.ts';
import type { LightningPayoutDeps } from './deps.ts';
import { FAKE_NODE_ID, FakeNode } from './fake-node.test-support.ts';
import { attemptDepsOf, createLightningPayments } from './run-due.ts';

export const START_MS = Date.UTC(2026, 2, 1);
export const never = new AbortController().signal;

export type LightningStore = { id: string; key: string; second: string };

/** The whole interface on a real database, a worker's loops by hand, a node that does as it is told. */
export async function startLightningWorld(real?: { node: LightningNode; nodeId: string }) {
  const manual = manualClock(START_MS);
  const clock: Clock = real === undefined ? manual : systemClock;
  const testDatabase = await createTestDatabase();
  const api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
  const node = new FakeNode();
  const logged: { level: string; fields: object; message: string }[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields, message });
  const told: Parameters<PayoutListener['payoutChanged']>[2][] = [];
  /** The store that the one node belongs to now; those before have none. */
  let owner = { merchantId: '', nodeRowId: '' };
  const offline = invoiceResolver({
    reader: {
      get: async () => ({ ok: false, code: 'unreachable', reason: 'no network here' }),
      close: async () => {},
    },
  });
  const world: { resolve: InvoiceResolver } = { resolve: offline };
  const random = (target: Uint8Array) => randomFillSync(target);
  const deps: LightningPayoutDeps = {
    ...{ database: api.database, clock, random, ids: uuidV7Ids(clock, random) },
    network: 'regtest',
    nodes: {
      connectionOf: async (merchantId) =>
        merchantId === owner.merchantId
          ? { id: owner.nodeRowId, node: real?.node ?? node.api }
          : null,
    },
    resolve: (request) => world.resolve(request),
    listener: { payoutChanged: async (_tx, _telling, change) => void told.push(change) },
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    readAudience: async () => ({ store: 'S', locale: 'en', emails: [] }),
  };
  const payments = createLightningPayments(deps);

  async function openStore(availableSats = 1_000_000n): Promise<LightningStore> {
    const merchant = await api.createMerchant('Payer');
    const [paymentId, orderId] = [randomUUID(), randomUUID()];
    const args = {
      ...{ merchantId: merchant.id, paymentId, orderId, epoch: 0 },
      ...{ amountSats: availableSats, atMs: clock.nowMs() },
    };
    const settled = { ...args, dueSats: availableSats, excessSats: 0n };
    const nodeRowId = randomUUID();
    owner = { merchantId: merchant.id, nodeRowId };
    await api.database.asSystem(async (tx) => {
      await postTransfers(tx, [paymentSeen(args), paymentConfirmed(args), orderSettled(settled)]);
      await tx.query('UPDATE lightning_node SET active = false, removed_at = now() WHERE active');
    });
    await api.database.asSystem((tx) =>
      tx.query(
        `INSERT INTO lightning_node (merchant_id, id, kind, network, node_id, alias, sealed, active,
              created_at) VALUES ($1, $2, 'embedded', 'regtest', $3, 'fake', '\\x00', true, now())`,
        [merchant.id, nodeRowId, Buffer.from(real?.nodeId ?? FAKE_NODE_ID, 'hex')],
      ),
    );
    const scopes = ['payouts:read', 'payouts:write', 'payouts:approve'];
    const made = await api.send('POST', '/v1/api-keys', {
      key: merchant.key,
      body: { name: 'second', scopes },
    });
    return { ...merchant, second: z.object({ secret: z.string() }).parse(made.body).secret };
  }

  /** One round of the worker, with everything that it began. */
  async function work(): Promise<void> {
    await payments.runDue(never);
    await payments.settle();
    await trackAttempts(attemptDepsOf(deps), never);
  }

  const post = (path: string, key: string, body?: unknown) =>
    api.send('POST', path, body === undefined ? { key } : { key, body });

  return {
    ...{
      api,
      clock,
      advance: manual.advance,
      node,
      deps,
      payments,
      logged,
      told,
      openStore,
      work,
      world,
      testDatabase,
    },
    create: (store: LightningStore, destination: string, more: object = {}) =>
      post('/v1/payouts', store.key, { destination, ...more }),
    decide: (store: LightningStore, id: string, what: 'approve' | 'pay' | 'cancel' | 'retry') =>
      post(`/v1/payouts/${id}/${what}`, what === 'approve' ? store.second : store.key),
    async payout(store: LightningStore, id: string) {
      return (await api.send('GET', `/v1/payouts/${id}`, { key: store.key })).body;
    },
    /** What the book holds, in msat, by account: what counts, and what is set aside. */
    async book(store: LightningStore) {
      const answer = await api.send('GET', '/v1/ledger/balances', { key: store.key });
      const { data } = ledgerBalancesSchema.parse(answer.body);
      const of = (code: string) => data.find((row) => row.code === code);
      const verified = await api.database.asSystem((tx) => verifyJournal(tx, { bookId: store.id }));
      return {
        available: BigInt(of('merchant.available')?.available ?? 0),
        reserved: BigInt(of('payouts.in_transit')?.creditsPending ?? 0),
        inTransit: BigInt(of('payouts.in_transit')?.posted ?? 0),
        channels: BigInt(of('lightning.channels')?.posted ?? 0),
        isSound: verified.ok,
      };
    },
    async events(store: LightningStore) {
      return await api.database.asSystem((tx) =>
        tx.query<{ type: string; data: { reason: string | null } }>(
          `SELECT type, data FROM event WHERE merchant_id = $1 AND type LIKE 'payout.%' ORDER BY seq`,
          [store.id],
        ),
      );
    },
    async attempts(store: LightningStore, id: string) {
      const rows = await api.database.asSystem((tx) =>
        tx.query<{ number: number; state: string; failure_class: string | null; sends: number }>(
          `SELECT number, state, failure_class, sends FROM lightning_attempt
            WHERE merchant_id = $1 AND payout_id = $2 ORDER BY number`,
          [store.id, id],
        ),
      );
      return rows;
    },
    /** When the worker takes it up again. */
    async nextTry(store: LightningStore, id: string) {
      const row = await api.database.asSystem((tx) =>
        tx.one<{ not_before: Date | null }>(
          'SELECT not_before FROM payout WHERE merchant_id = $1 AND id = $2',
          [store.id, id],
        ),
      );
      return { not_before: row.not_before?.getTime() ?? clock.nowMs() };
    },
    async stop() {
      await payments.settle();
      await api.close();
      await testDatabase.drop();
    },
  };
}

export type LightningWorld = Awaited<ReturnType<typeof startLightningWorld>>;
