import { randomUUID } from 'node:crypto';
import { defaultComplianceSettings, defaultCustomerSettings } from '@quittance/contract';
import { type ListEntry, screenerOver } from '../../apps/server/src/compliance/screening/index.ts';
import { z } from 'zod';
import type { Answered, TestApi, TestMerchant } from './api.ts';

/** A person on a list, made up. */
export function listed(id: string, name: string, changed: Partial<ListEntry> = {}): ListEntry {
  return {
    ...{
      list: 'test',
      id,
      schema: 'Person',
      names: [{ text: name, kind: 'primary', script: 'latin' }],
    },
    ...{ birthDates: [], countries: [], gender: null, addresses: [], label: null, topics: [] },
    ...changed,
  } as ListEntry;
}

/** Lists with one person each: one under sanctions, one politically exposed. */
export async function testScreener(
  sanctioned: readonly ListEntry[] = [listed('s1', 'Boris Yakovlevich Grozny-Testov')],
) {
  return await screenerOver([
    { list: 'sanctions', purpose: 'sanctions', entries: sanctioned },
    { list: 'peps', purpose: 'pep', entries: [listed('p1', 'Honoria Quartermaine Peplington')] },
  ]);
}

/** Has a store screen its customers. */
export async function screenCustomers(api: TestApi, store: TestMerchant): Promise<void> {
  const body = { ...defaultComplianceSettings, customerScreening: true };
  await api.send('PUT', '/v1/compliance/settings', { key: store.key, body });
}

export const customerBody = {
  kind: 'person',
  names: [{ text: 'Anna Muster', kind: 'primary' }],
  birthDate: '1985-05-20',
  nationalities: ['CH'],
};

export const customerSettingsBody = defaultCustomerSettings;

/** The smallest file that begins as a PDF does. */
export const pdfBody = {
  type: 'passport',
  content: Buffer.from('%PDF-1.7\nnothing in it').toString('base64'),
};

const reason = { reason: 'x' };

/** A body for each operation about customers that needs one. */
export const customerBodies: Record<string, unknown> = {
  createCustomer: customerBody,
  updateCustomer: { reference: 'taken over' },
  findCustomers: { reference: 'taken over' },
  writeCustomerOwners: { owners: [] },
  rejectCustomer: reason,
  reopenCustomer: reason,
  reviewCustomer: reason,
  blockCustomer: reason,
  unblockCustomer: reason,
  setCustomerRisk: { risk: 'low', ...reason },
  endCustomer: reason,
  addCustomerDocument: pdfBody,
  decideCustomerHit: { decision: 'dismissed', ...reason },
  verifyCustomer: { level: 'basic', ...reason },
  startCustomerVerification: { level: 'basic' },
  approveCustomerVerification: reason,
  declineCustomerVerification: reason,
  writeCustomerSettings: customerSettingsBody,
  writeCustomerProvider: { url: 'https://kyc.example', enabled: false, apiKey: 'k' },
};

/** Gives a store one of everything about customers: what its routes name, by their path. */
export async function fillCustomers(
  api: TestApi,
  { id: merchantId, key }: TestMerchant,
): Promise<Record<string, string>> {
  const send = async (method: string, path: string, body: unknown): Promise<string> => {
    const answer = await api.send(method, `/v1/compliance/${path}`, { key, body });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return idIn(answer);
  };
  await send('PUT', 'customer-settings', customerSettingsBody);
  await send('PUT', 'customer-provider', customerBodies['writeCustomerProvider']);
  const person = await send('POST', 'customers', { ...customerBody, reference: 'mine' });
  const entity = await send('POST', 'customers', {
    ...{ kind: 'entity', names: [{ text: 'Laden GmbH', kind: 'primary' }] },
  });
  const owners = [{ customerId: person, shareBps: 10_000 }];
  await send('PUT', `customers/${entity}/owners`, { owners });
  const paper = await send('POST', `customers/${person}/documents`, pdfBody);
  const proposal = await send('POST', `customers/${person}/verify`, {
    ...{ level: 'enhanced', reason: 'x' },
  });
  await api.send('POST', '/v1/orders', {
    ...{ key, body: { amount: '1', currency: 'EUR', customerId: person } },
  });
  const leaving = await send('POST', 'customers', customerBody);
  await send('POST', `customers/${leaving}/end`, reason);
  const hit = await addHit(api, { merchantId, customerId: person, proposal });
  return {
    'compliance/customers': person,
    'compliance/customer-documents': paper,
    'compliance/customer-verifications': proposal,
    'compliance/customer-hits': hit,
  };
}

/** The id in an answer; empty where it has none. */
function idIn({ body }: Answered): string {
  return z.object({ id: z.string() }).safeParse(body).data?.id ?? '';
}

/** What only screening and a provider write. */
async function addHit(
  api: TestApi,
  of: { merchantId: string; customerId: string; proposal: string },
): Promise<string> {
  const id = randomUUID();
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO customer_hit (merchant_id, id, customer_id, list, entry_id, category, entry_digest,
              facts_digest, list_version, points, sealed_parts, state, found_at)
       VALUES ($1, $2, $3, 'l', 'e', 'other', $4, $4, 'v', 1, $4, 'open', now())`,
      [of.merchantId, id, of.customerId, Buffer.alloc(32)],
    );
    await tx.query(
      `INSERT INTO customer_callback (merchant_id, verification_id, message_id, state, received_at)
       VALUES ($1, $2, 'm', 'running', now())`,
      [of.merchantId, of.proposal],
    );
  });
  return id;
}

type Call = { path?: string; key?: string; body?: unknown };

/** A call for each POST about customers, on customers that are in the state that it needs. */
export async function customerCalls(
  api: TestApi,
  store: TestMerchant,
): Promise<Record<string, Call>> {
  const { key } = store;
  const PATH = '/v1/compliance/customers';
  const second = await api.keyFor(store.id);
  const post = async (path: string, body: unknown) =>
    idIn(await api.send('POST', path, { key, body }));
  const create = async () => await post(PATH, customerBody);
  const at = async (what: string, id?: string) => `${PATH}/${id ?? (await create())}/${what}`;
  const body = customerBodies['writeCustomerProvider'] as Record<string, unknown>;
  const enabled = { ...body, enabled: true };
  await api.send('PUT', '/v1/compliance/customer-provider', { key, body: enabled });
  const [reopened, reviewed, blocked] = [await create(), await create(), await create()];
  await post(await at('reject', reopened), reason);
  await post(await at('verify', reviewed), { level: 'basic', ...reason });
  await post(await at('block', blocked), reason);
  const propose = async () => await post(await at('verify'), { level: 'enhanced', ...reason });
  const verifications = '/v1/compliance/customer-verifications';
  return {
    [PATH]: { body: customerBody },
    [`${PATH}/:id/reject`]: { path: await at('reject'), body: reason },
    [`${PATH}/:id/reopen`]: { path: await at('reopen', reopened), body: reason },
    [`${PATH}/:id/review`]: { path: await at('review', reviewed), body: reason },
    [`${PATH}/:id/block`]: { path: await at('block'), body: reason },
    [`${PATH}/:id/unblock`]: { path: await at('unblock', blocked), key: second, body: reason },
    [`${PATH}/:id/risk`]: { path: await at('risk'), body: { risk: 'high', ...reason } },
    [`${PATH}/:id/end`]: { path: await at('end'), body: reason },
    [`${PATH}/:id/erasure`]: { path: await at('erasure') },
    [`${PATH}/:id/documents`]: { path: await at('documents'), body: pdfBody },
    [`${PATH}/:id/screen`]: { path: await at('screen') },
    [`${PATH}/:id/verify`]: { path: await at('verify'), body: { level: 'basic', ...reason } },
    [`${PATH}/:id/verifications`]: { path: await at('verifications'), body: { level: 'basic' } },
    [`${verifications}/:id/approve`]: {
      ...{ path: `${verifications}/${await propose()}/approve`, key: second, body: reason },
    },
    [`${verifications}/:id/decline`]: {
      ...{ path: `${verifications}/${await propose()}/decline`, body: reason },
    },
  };
}
