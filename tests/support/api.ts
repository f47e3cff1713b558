import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { merchantScopes } from '@quittance/contract';
import { type Clock, systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { z } from 'zod';
import { type Database, openDatabase, roleUrls } from '../../apps/server/src/platform/db/index.ts';
import type { RateLimits } from '../../apps/server/src/platform/http/index.ts';
import { type Api, type ApiParts, openApi } from '../../apps/server/src/wiring/http-api.ts';
import { payoutListener } from '../../apps/server/src/wiring/paying/payout-listeners.ts';
import { openSealer, type Sealer } from '../../apps/server/src/platform/sealing/index.ts';
import type { FeeEstimator } from '../../apps/server/src/paying/spends/index.ts';
import { createRates, fixedSource } from '../../apps/server/src/receiving/rates/index.ts';
import { createAdminKey, createKey } from '../../apps/server/src/tenancy/keys/index.ts';
import { regtestDescriptor } from './descriptors.ts';
import { temporaryFolder } from './temporary.ts';

const createdMerchant = z.object({
  merchant: z.object({ id: z.string() }),
  apiKey: z.object({ secret: z.string() }),
});

export type TestMerchant = {
  id: string;
  /** With all rights, of compliance too, as only an administrator can give them. */
  key: string;
  /** The one that came with the store. */
  firstKey: string;
};
export type Sent = {
  key?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
};
export type Answered = {
  status: number;
  headers: Headers;
  /** As JSON.parse gives it: each test knows what it asked for. */
  body: ReturnType<typeof JSON.parse>;
};

export interface TestApi {
  api: Api;
  sealer: Sealer;
  database: Database;
  baseUrl: string;
  adminKey: string;
  /** What was logged as an error: requests that failed by our own fault. */
  errors: Record<string, unknown>[];
  createMerchant(name: string): Promise<TestMerchant>;
  /** A key with all rights, of compliance too: for a store that was made without the interface. */
  keyFor(merchantId: Uuid): Promise<string>;
  send(method: string, path: string, sent?: Sent): Promise<Answered>;
  close(): Promise<void>;
}

/** No node is near: what a transaction costs on a private chain. */
const privateChainFees: FeeEstimator = {
  estimate: async ({ targetBlocks }) => ({
    ...{ feeRate: 2_000n, source: 'fixed', targetBlocks, atMs: 0 },
  }),
  floor: async () => 1_000n,
  longTerm: () => 5_000n,
};

const NO_LIMIT = 1_000_000_000;
const noLimits: RateLimits = {
  read: NO_LIMIT,
  history: NO_LIMIT,
  write: NO_LIMIT,
  create: NO_LIMIT,
  public: NO_LIMIT,
  claim: NO_LIMIT,
  wrongKey: NO_LIMIT,
};

/** The whole HTTP interface on a real database and a real port, with a house rate for euros. */
export async function startTestApi(options: {
  ownerUrl: string;
  clock?: Clock;
  limits?: Partial<RateLimits>;
  /** Folder with authorities' XSDs. */
  filingSchemas?: string | null;
  /** Where a node is near. */
  spends?: ApiParts['spends'];
  /** Whom webhooks and providers may be; by default public addresses only. */
  urlPolicy?: ApiParts['urlPolicy'];
  /** Lists at hand instead of those in the database. */
  screener?: ApiParts['screener'];
  /** Where stores can connect Lightning nodes. */
  lightning?(database: Database): NonNullable<ApiParts['lightning']>;
  addRoutes?(http: Api['http'], database: Database): Promise<void>;
}): Promise<TestApi> {
  const { clock = systemClock } = options;
  const database = openDatabase(roleUrls(options.ownerUrl));
  const random = (target: Uint8Array) => randomFillSync(target);
  const ids = uuidV7Ids(clock, random);
  const errors: Record<string, unknown>[] = [];
  const secrets = temporaryFolder('secrets');
  const sealer = openSealer(join(secrets.path, 'secrets.key'));
  const rates = createRates({
    sources: [fixedSource({ EUR: '60000', USD: '65000' })],
    fetchText: () => Promise.reject(new Error('the network is not for tests')),
    clock,
    random,
  });
  const api = await openApi({
    database,
    clock,
    ids,
    random,
    network: 'regtest',
    rates,
    urlPolicy: options.urlPolicy ?? {},
    filingSchemas: options.filingSchemas ?? null,
    payoutListener,
    sealer,
    fees: privateChainFees,
    ...(options.spends === undefined ? {} : { spends: options.spends }),
    ...(options.screener === undefined ? {} : { screener: options.screener }),
    ...(options.lightning === undefined ? {} : { lightning: options.lightning(database) }),
    http: {
      log: { error: (details) => void errors.push(details) },
      version: '0.0.0',
      publicUrl: 'http://localhost',
      limits: { ...noLimits, ...options.limits },
      checkAnswers: true,
    },
  });
  await options.addRoutes?.(api.http, database);
  const port = await api.http.listen({ host: '127.0.0.1', port: 0 });
  const baseUrl = `http://127.0.0.1:${port}`;
  const { secret: adminKey } = await createAdminKey(database, { clock, ids, random }, 'tests');
  let wallets = 0;

  async function send(method: string, path: string, sent: Sent = {}): Promise<Answered> {
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        ...(sent.key === undefined ? {} : { authorization: `Bearer ${sent.key}` }),
        ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...sent.headers,
      },
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
    });
    const text = await response.text();
    const body: unknown = JSON.parse(text);
    return { status: response.status, headers: response.headers, body };
  }

  async function keyFor(merchantId: Uuid): Promise<string> {
    const wanted = { merchantId, name: 'tests', scopes: merchantScopes, madeBy: null };
    const { secret } = await database.asSystem((tx) =>
      createKey(tx, { clock, ids, random }, { ...wanted, actor: 'tests' }),
    );
    return secret;
  }

  return {
    ...{ api, sealer },
    database,
    baseUrl,
    adminKey,
    errors,
    send,
    async createMerchant(name) {
      const body = {
        name,
        descriptor: regtestDescriptor(++wallets),
        settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
      };
      const made = await send('POST', '/v1/merchants', { key: adminKey, body });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      const { merchant, apiKey } = createdMerchant.parse(made.body);
      const key = await keyFor(merchant.id as Uuid);
      return { id: merchant.id, key, firstKey: apiKey.secret };
    },
    keyFor,
    async close() {
      await api.close();
      await rates.stop();
      await database.close();
      secrets.remove();
    },
  };
}
