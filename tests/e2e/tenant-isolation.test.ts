import { randomBytes, randomFillSync } from 'node:crypto';
import { defaultComplianceSettings } from '@quittance/contract';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { paymentSeen, postTransfers } from '../../apps/server/src/accounting/ledger/index.ts';
import { raiseAlert } from '../../apps/server/src/telling/notifications/index.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { customerBodies, fillCustomers } from '../support/customers.ts';
import { regtestDescriptor } from '../support/descriptors.ts';
import { foreignInvoice, giveLightning, issueCard, lnurlGet, tap } from '../support/drawing.ts';
import { fillFilings, filingBodies } from '../support/filings.ts';
import { fillMonitoring, monitoringBodies } from '../support/monitoring.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { payOrder } from '../support/pay-order.ts';
import { addRiskRows, makeRiskConfig, riskConfigBody } from '../support/risk.ts';
import { ownAddressBody } from '../support/screening.ts';
import { openStateReader, type StateReader } from '../support/state.ts';

const random = (target: Uint8Array) => randomFillSync(target);
/** Each store is e-mailed of its alerts, so that this queue too has rows of both. */
const alertDeps = {
  clock: systemClock,
  ids: uuidV7Ids(systemClock, random),
  readAudience: async () => ({ store: 'S', locale: 'en', emails: ['till@shop.example'] }) as const,
};

/** Every route is called, most of them many times: on a busy machine that takes its time. */
vi.setConfig({ testTimeout: 180_000 });

let testDatabase: TestDatabase;
let api: TestApi;
let state: StateReader;
let victim: TestMerchant;
let stranger: TestMerchant;
/** What the victim owns, by the first step of the paths that name it. */
let owned: Record<string, string>;
/** Every id of the victim: none may turn up in an answer to the stranger. */
let secrets: string[];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
  state = await openStateReader(testDatabase.ownerUrl);
  victim = await api.createMerchant('Victim');
  stranger = await api.createMerchant('Stranger');
  owned = await fill(victim);
  await fill(stranger);
  secrets = [...Object.values(owned), victim.id, victim.key];
});
afterAll(async () => {
  await state.close();
  await api.close();
  await testDatabase.drop();
});

const payoutBody = {
  destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  amount: '0.001',
  currency: 'BTC',
};

const alertBody = { subject: { type: 'party', id: 'x' }, severity: 'low', summary: 'seen' };
const proposalId = '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4';

/** Gives a merchant one of everything. */
async function fill(merchant: TestMerchant): Promise<Record<string, string>> {
  const { key } = merchant;
  const make = async (path: string, body: unknown) => {
    const made = await api.send('POST', path, { key, body });
    expect(made.status, JSON.stringify(made.body)).toBeLessThan(300);
    return made.body;
  };
  const endpoint = await make('/v1/webhook-endpoints', { url: 'https://shop.example/hook' });
  const apiKey = await make('/v1/api-keys', { name: 'k', scopes: ['orders:read'] });
  const order = await make('/v1/orders', { amount: '1', currency: 'EUR', externalId: 'mine' });
  const paidFor = await make('/v1/orders', { amount: '0.001', currency: 'BTC' });
  const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
  await payOrder(api.database, { id: paidFor.id, amountSats: 100_000n }, ids);
  const refund = await make(`/v1/orders/${paidFor.id}/refunds`, { mode: 'full' });
  const wallet = (await api.send('GET', '/v1/wallets', { key })).body.data[0];
  const payout = await make('/v1/payouts', payoutBody);
  const batch = await make('/v1/payout-batches', { payouts: [payoutBody] });
  const processor = await make('/v1/payout-processors', { kind: 'onchain' });
  await api.send('PATCH', '/v1/payout-policy', { key, body: { creatorMayApprove: true } });
  const path = `/v1/webhook-endpoints/${endpoint.id}/deliveries`;
  const delivery = (await api.send('GET', path, { key })).body.data[0];
  // Events stay hidden while an older transaction of the database server is open.
  const event = await vi.waitFor(
    async () => {
      const [first] = (await api.send('GET', '/v1/events', { key })).body.data;
      expect(first).toBeDefined();
      return first;
    },
    { timeout: 20_000, interval: 100 },
  );
  const paid = {
    merchantId: merchant.id,
    orderId: order.id,
    paymentId: wallet.id,
    epoch: 0,
    amountSats: 1_000n,
    atMs: Date.now(),
  };
  await api.database.asSystem((tx) => postTransfers(tx, [paymentSeen(paid)]));
  const alert = await api.database.asTenant(merchant.id, (tx) =>
    raiseAlert(tx, alertDeps, {
      merchantId: merchant.id,
      kind: 'signer_unavailable',
      subject: `signer of ${merchant.id}`,
      severity: 'critical',
      facts: { reason: merchant.id },
    }),
  );
  await addCoin(merchant.id, wallet.id);
  const lightning = await addLightning(merchant.id);
  const drawing = await addDrawing(merchant);
  const spend = ids.next();
  await addSpend({ merchantId: merchant.id, walletId: wallet.id, id: spend });
  const ownAddress = await make('/v1/compliance/addresses', ownAddressBody);
  await make('/v1/reconciliations', {});
  await makeRiskConfig(api, key, true);
  const risky = { merchantId: merchant.id, orderId: paidFor.id };
  const decision = await addRiskRows(api, risky, ids);
  const caseAlert = await make('/v1/compliance/alerts', alertBody);
  const customers = await fillCustomers(api, merchant);
  const transfer = (await api.send('GET', '/v1/ledger/transfers', { key })).body.data[0];
  await api.send('PUT', '/v1/compliance/settings', { key, body: defaultComplianceSettings });
  const filings = await fillFilings(api, merchant, payout.id);
  await addPayoutHold(merchant.id, payout.id, caseAlert.caseId);
  return {
    merchants: merchant.id,
    orders: order.id,
    payment: order.id,
    'webhook-endpoints': endpoint.id,
    'webhook-deliveries': delivery.id,
    'api-keys': apiKey.id,
    wallets: wallet.id,
    events: event.id,
    payouts: payout.id,
    'payout-batches': batch.id,
    'payout-processors': processor.id,
    refunds: refund.id,
    spends: spend,
    'compliance/addresses': ownAddress.id,
    'compliance/monitoring': await fillMonitoring(api, merchant),
    'lightning/nodes': lightning.node,
    'lightning/invoices': lightning.invoice,
    ...drawing,
    ledger: transfer.id,
    alerts: alert.id,
    ...customers,
    ...filings,
    'compliance/alerts': caseAlert.id,
    'compliance/cases': caseAlert.caseId,
    'compliance/risk': decision,
  };
}

/** What only a check before payment writes. */
async function addPayoutHold(merchantId: string, payoutId: string, caseId: string): Promise<void> {
  await api.database.asSystem((tx) =>
    tx.query(
      `INSERT INTO compliance_payout_hold (merchant_id, payout_id, state, found, released, identifiers,
              case_id, version, updated_at) VALUES ($1, $2, 'held', '{}', '{}', '{}', $3, 1, now())`,
      [merchantId, payoutId, caseId],
    ),
  );
}

/** What only the watcher and the import of labels write. */
async function addCoin(merchantId: string, walletId: string): Promise<void> {
  const txid = randomBytes(32);
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO coin (merchant_id, txid, vout, wallet_id, address_id, branch, index, value_sats,
              coinbase, live)
       SELECT merchant_id, $3, 0, wallet_id, id, branch, index, 1000, false, true FROM address
        WHERE merchant_id = $1 AND wallet_id = $2 ORDER BY index LIMIT 1`,
      [merchantId, walletId, txid],
    );
    await tx.query(
      `INSERT INTO wallet_movement (merchant_id, txid, amount_sats, state, ledger_epoch,
              first_seen_at, updated_at) VALUES ($1, $2, 1000, 'booked', 1, now(), now())`,
      [merchantId, txid],
    );
    await tx.query(
      `INSERT INTO wallet_label (merchant_id, type, ref, label, rest)
       VALUES ($1, 'tx', $2, 'mine', '{}')`,
      [merchantId, txid.toString('hex')],
    );
  });
}

/** What takes a Lightning node to come about. */
async function addLightning(merchantId: string): Promise<{ node: string; invoice: string }> {
  const ids = uuidV7Ids(systemClock, random);
  const [node, invoice, hash] = [ids.next(), ids.next(), randomBytes(32)];
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO lightning_node (merchant_id, id, kind, network, node_id, alias, sealed, active,
              created_at) VALUES ($1, $2, 'lnd', 'regtest', $3, 'mine', $3, true, now())`,
      [merchantId, node, hash],
    );
    await tx.query(
      `INSERT INTO lightning_invoice (merchant_id, id, lightning_node, payment_hash, purpose, metadata,
              description, bolt11, hold, state, created_at, expires_at, updated_at)
       VALUES ($1, $2, $3, $4, 'api', '{}', 'mine', $5, true, 'held', now(), now(), now())`,
      [merchantId, invoice, node, hash, `lnbcrt1${invoice}`],
    );
    await tx.query(
      `INSERT INTO lightning_offer (merchant_id, offer_id, lightning_node, invoice_id, order_id, bolt12,
              created_at)
       SELECT $1, $4, $2, $3, id, $5, now() FROM orders WHERE merchant_id = $1 LIMIT 1`,
      [merchantId, node, invoice, hash, `lno1${invoice}`],
    );
    await tx.query(
      `INSERT INTO lightning_event (merchant_id, lightning_node, digest, type, payment_hash, data,
              recorded_at) VALUES ($1, $2, $3, 'invoice_held', $3, '{}', now())`,
      [merchantId, node, hash],
    );
    await tx.query(
      `INSERT INTO prediction_bucket (merchant_id, scope, key, band, successes, failures,
              peak_fee_ppm, updated_at) VALUES ($1, 'destination', $2, -1, 1, 0, 0, now())`,
      [merchantId, merchantId],
    );
  });
  return { node, invoice };
}

/** A pull payment that was drawn from, a card that was tapped and has paid, a Lightning address. */
async function addDrawing(merchant: TestMerchant): Promise<Record<string, string>> {
  await giveLightning(api.database, { merchantId: merchant.id, sats: 1_000_000n });
  const { key } = merchant;
  const limit = { amount: '1000', currency: 'SAT' };
  const pull = await api.send('POST', '/v1/pull-payments', { key, body: { name: 'p', ...limit } });
  const issued = await issueCard(api, merchant, { balance: limit, dailyLimitSats: '100' });
  const { k1 } = (await tap(api, issued.chip)).body;
  const paid = await lnurlGet(api, '/lnurl/withdraw-callback', { k1, pr: foreignInvoice() });
  expect(paid.body).toEqual({ status: 'OK' });
  const name = `n${merchant.id}`;
  const address = await api.send('POST', '/v1/lightning-addresses', { key, body: { name } });
  return {
    'pull-payments': pull.body.pullPayment.id,
    cards: issued.id,
    'lightning-addresses': address.body.id,
  };
}

/** What only a worker that pays writes. */
async function addSpend(own: { merchantId: string; walletId: string; id: string }): Promise<void> {
  const coin = randomBytes(36);
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO spend (merchant_id, id, wallet_id, kind, origin, state, anchor_txid, anchor_vout,
              version, max_fee_rate, created_at, updated_at)
       VALUES ($1, $2, $3, 'consolidation', 'manual', 'planned', $4, 0, 1, 1000, now(), now())`,
      [own.merchantId, own.id, own.walletId, coin.subarray(0, 32)],
    );
    await tx.query(
      `INSERT INTO spend_version (merchant_id, spend_id, version, state, purpose, exposed, psbt,
              inputs, fee_sats, vsize, out_sats, fee_shares, created_at)
       VALUES ($1, $2, 1, 'planned', 'pay', false, '', ARRAY[$3::bytea], 1, 1, 1, '{}', now())`,
      [own.merchantId, own.id, coin],
    );
    await tx.query(
      `INSERT INTO wallet_hold (merchant_id, wallet_id, held_at, reason)
       VALUES ($1, $2, now(), 'to be looked at')`,
      [own.merchantId, own.walletId],
    );
  });
}

/** A body that would be accepted from the owner, so that nothing but ownership refuses it. */
function bodyOf(operationId: string): unknown {
  const bodies: Record<string, unknown> = {
    createOrder: { amount: '1', currency: 'EUR' },
    putScreeningList: { title: 'l', purpose: 'other', maxAgeHours: 1 },
    createScreeningVersion: { format: 'ftm' },
    signOffScreeningVersion: { digest: '0'.repeat(64) },
    screenName: { name: 'n' },
    screenAddress: { address: ownAddressBody.address },
    addOwnAddress: { ...ownAddressBody, address: 'another' },
    createWebhookEndpoint: { url: 'https://shop.example/hook' },
    updateWebhookEndpoint: { enabled: false },
    replayFailedWebhooks: { since: '2026-01-01T00:00:00Z' },
    connectLightningNode: { kind: 'embedded' },
    adjustLightningNode: { changeMsat: '1', reason: 'x' },
    createLightningInvoice: { amountMsat: '1000' },
    settleLightningInvoice: { preimage: 'ab'.repeat(32) },
    addWallet: { descriptor: regtestDescriptor(50_000) },
    createReconciliation: {},
    importLabels: { labels: '' },
    createMerchant: { name: 'Mine' },
    updateMerchant: { name: 'Taken over' },
    createApiKey: { name: 'k', scopes: ['orders:read'] },
    createMerchantApiKey: { name: 'k', scopes: ['orders:read'] },
    createRefund: { mode: 'full' },
    previewRefund: { mode: 'full' },
    createPayout: payoutBody,
    bumpSpend: { feeRateSatPerVb: '5' },
    cancelSpend: { feeRateSatPerVb: '5' },
    createChild: { feeRateSatPerVb: '5' },
    liftPayment: { feeRateSatPerVb: '5', coin: `${'ab'.repeat(32)}:0` },
    consolidateWallet: { feeRateSatPerVb: '1' },
    importSignedPsbt: { psbt: 'cHNidP8=' },
    createPayoutBatch: { payouts: [payoutBody] },
    createPullPayment: { name: 'p', amount: '1', currency: 'SAT' },
    createCard: { name: 'c', balance: { amount: '1', currency: 'SAT' } },
    updateCard: { frozen: true },
    createLightningAddress: { name: 'taken-over' },
    updateLightningAddress: { enabled: false },
    updatePayoutPolicy: { creatorMayApprove: false },
    createPayoutProcessor: { kind: 'onchain' },
    previewLightningStrategy: { strategy: { kind: 'tiered' } },
    updatePayoutProcessor: { paused: true },
    ...monitoringBodies,
    writeComplianceSettings: defaultComplianceSettings,
    ...customerBodies,
    createRiskConfig: riskConfigBody,
    ...filingBodies,
    createComplianceAlert: alertBody,
    assignComplianceCase: { keyId: null },
    commentComplianceCase: { text: 'x' },
    addComplianceCaseEvidence: { title: 'x', data: {} },
    setComplianceCaseClock: {
      ...{ detectedAt: '2026-01-01T00:00:00Z', suspectKnownAt: null, reason: 'x' },
    },
    proposeComplianceDecision: { outcome: 'dismiss', reason: 'x' },
    approveComplianceDecision: { proposalId, outcome: 'dismiss' },
    rejectComplianceDecision: { proposalId, reason: 'x' },
    reopenComplianceCase: { reason: 'x' },
    classicCreatePayment: { merchantId: victim.id, amount: '1', currency: 'EUR' },
  };
  return bodies[operationId];
}

type Operation = {
  operationId: string;
  security?: unknown[];
  requestBody?: { required?: boolean };
  parameters?: { in: string; name: string }[];
};
type Call = { method: string; path: string; operation: Operation; namesVictim: boolean };

/** Every operation of the document, with the victim's ids in its path. */
async function everyCall(): Promise<Call[]> {
  const { body: document } = await api.send('GET', '/v1/openapi.json');
  const calls: Call[] = [];
  for (const [pattern, methods] of Object.entries<Record<string, Operation>>(document.paths)) {
    const [, , first = '', second = ''] = pattern.split('/');
    const noun = ['lightning', 'compliance'].includes(first) ? `${first}/${second}` : first;
    const path = pattern.replace(/\{(id|orderId)\}/, () => {
      expect(owned, `${pattern}: say whose id belongs here`).toHaveProperty([noun]);
      return owned[noun] ?? '';
    });
    for (const [method, operation] of Object.entries(methods)) {
      const namesVictim = path !== pattern;
      calls.push({
        method: method.toUpperCase(),
        path: path.replace('{currency}', 'EUR'),
        operation,
        namesVictim,
      });
    }
  }
  return calls;
}

test('cross-store-access: with a stranger’s key every route denies that the other store exists', async () => {
  const calls = await everyCall();
  expect(calls.length).toBeGreaterThan(25);
  const before = await state.read(victim.id);
  let denied = 0;
  for (const { method, path, operation, namesVictim } of calls) {
    const what = `${method} ${path}`;
    // A classic status is readable by whoever knows the unguessable id: that is its contract.
    if (operation.operationId === 'classicReadStatus') continue;
    const body = bodyOf(operation.operationId);
    const isBodyNeeded = operation.requestBody?.required === true;
    expect(!isBodyNeeded || body !== undefined, `${what} needs a body here`).toBe(true);
    const answer = await api.send(method, path, { key: stranger.key, body });
    if (namesVictim || operation.operationId === 'classicCreatePayment') {
      expect([403, 404], `${what}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
      denied++;
    }
    expectNoSecret(answer.body, what);
    if (operation.parameters?.some(({ name }) => name === 'starting_after')) {
      for (const id of Object.values(owned)) {
        const page = await api.send('GET', `${path}?starting_after=${id}`, { key: stranger.key });
        expectNoSecret(page.body, `${what} after ${id}`);
      }
    }
  }
  expect(denied).toBeGreaterThan(12);
  expect(await state.read(victim.id)).toEqual(before);
});

function expectNoSecret(body: unknown, what: string): void {
  const text = JSON.stringify(body);
  for (const secret of secrets)
    expect(text.includes(secret), `${what} tells ${secret}`).toBe(false);
}

test('cross-store-access: the external id of another store finds nothing', async () => {
  await api.send('POST', '/v1/orders', {
    key: victim.key,
    body: { amount: '1', currency: 'EUR', externalId: 'only the victim has it' },
  });
  const query = `external_id=${encodeURIComponent('only the victim has it')}`;
  const found = await api.send('GET', `/v1/orders?${query}`, { key: stranger.key });
  expect(found.body).toEqual({ data: [], has_more: false });
});

test('cross-store-access: without a key every route that is not public answers 401', async () => {
  let guarded = 0;
  for (const { method, path, operation } of await everyCall()) {
    if (operation.security === undefined) continue;
    const answer = await api.send(method, path, { body: bodyOf(operation.operationId) });
    expect(answer.status, `${method} ${path}`).toBe(401);
    guarded++;
  }
  expect(guarded).toBeGreaterThan(25);
});

test("cross-store-access: the administrator's key reads no store's orders, events or money", async () => {
  for (const { method, path, operation } of await everyCall()) {
    if (/merchants|api-keys\/current|classicReadStatus/.test(path + operation.operationId))
      continue;
    const body = bodyOf(operation.operationId);
    const answer = await api.send(method, path, { key: api.adminKey, body });
    if (/Screening|^screen/.test(operation.operationId)) {
      // Lists are the instance's; a list of this name or version there is none.
      expect([200, 400, 404], `${method} ${path}`).toContain(answer.status);
      expectNoSecret(answer.body, `${method} ${path}`);
    } else if (/(?<!Compliance)Alerts?$/.test(operation.operationId)) {
      // The administrator has alerts too: those of the instance, and no store's.
      expect([200, 404], `${method} ${path}`).toContain(answer.status);
      expectNoSecret(answer.body, `${method} ${path}`);
    } else expect(answer.status, `${method} ${path}`).toBe(403);
  }
});

test('cross-store-access: a key without the scope is refused on every route', async () => {
  for (const { method, path, operation } of await everyCall()) {
    if (operation.security === undefined) continue;
    const scopes = ['audit:read'];
    if (/listAudit|readCurrentApiKey/.test(operation.operationId)) continue;
    const made = await api.send('POST', '/v1/api-keys', {
      key: victim.key,
      body: { name: 'narrow', scopes },
    });
    const body = bodyOf(operation.operationId);
    const answer = await api.send(method, path, { key: made.body.secret, body });
    expect(answer.status, `${method} ${path}`).toBe(403);
  }
});

/** What takes a node, a retry or a delivery to come about; other tests look at these. */
const UNFILLED = new Set([
  ...['idempotency_key', 'webhook_attempt', 'payment'],
  ...['spend', 'spend_version', 'spend_output', 'coin_reservation'],
  ...['lightning_attempt', 'lightning_payment_hash', 'prediction_bucket'],
]);

test('cross-store-access: row-level security alone hides and protects the other store', async () => {
  const before = await state.read(victim.id);
  const readable: string[] = [];
  for (const { name, tenantColumn } of await state.tables()) {
    const rows = await api.database
      .asTenant(stranger.id, (tx) =>
        tx.query<Record<string, unknown>>(`SELECT * FROM ${name} LIMIT 1000`),
      )
      .catch((error: unknown) => String(error));
    if (typeof rows === 'string') {
      expect(rows, name).toContain('permission denied');
      continue;
    }
    if (tenantColumn === null) {
      readable.push(name);
      continue;
    }
    for (const row of rows) expect(row[tenantColumn], name).toBe(stranger.id);
    if (!UNFILLED.has(name)) {
      expect(rows.length, `${name} shows the stranger its own rows`).toBeGreaterThan(0);
    }
  }
  // The chain belongs to nobody; no other table without a tenant may be readable.
  expect(readable).toEqual(['chain_block', 'chain_cursor']);
  for (const change of [
    `UPDATE orders SET status = 'CONFIRMED', version = version + 1`,
    `UPDATE merchant SET name = 'taken', updated_at = updated_at`,
    `UPDATE api_key SET revoked_at = now()`,
    `UPDATE webhook_endpoint SET url = 'https://evil.example'`,
    `UPDATE receiving_wallet SET active = false`,
    `UPDATE alert SET resolved_at = now()`,
  ]) {
    await api.database.asTenant(stranger.id, (tx) => tx.query(change));
  }
  const forged = api.database.asTenant(stranger.id, (tx) =>
    tx.query(
      `INSERT INTO audit_entry (merchant_id, id, at, actor, action, subject, detail)
       VALUES ($1, $1, now(), 'x', 'x', 'x', '{}')`,
      [victim.id],
    ),
  );
  await expect(forged).rejects.toThrow('row-level security');
  expect(await state.read(victim.id)).toEqual(before);
});
