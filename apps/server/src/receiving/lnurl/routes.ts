import { encodeLnurl } from '@quittance/bitcoin';
import {
  createLightningAddressSchema,
  type LightningAddressJson,
  lightningAddressListQuerySchema,
  lightningAddressPageSchema,
  lightningAddressSchema,
  updateLightningAddressSchema,
  uuidText,
} from '@quittance/contract';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import { changeAddress, createAddress, noSuchAddress } from './change-address.ts';
import { hostOf, type LightningAddress } from './lightning-address.ts';
import { readAddress, readAddresses } from './store.ts';

export type LightningAddressRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  /** Where wallets reach this server, without a slash at the end. */
  publicUrl: string;
  readStoreName(tx: Tx, merchantId: Uuid): Promise<string>;
  recordAudit: typeof recordAudit;
};

const tags = ['Lightning'];
const params = z.strictObject({ id: uuidText });

/** A store's Lightning addresses. */
export function addLightningAddressRoutes(app: HttpApp, deps: LightningAddressRouteDeps): void {
  app.post(
    '/v1/lightning-addresses',
    {
      config: { ...needs('lightning:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createLightningAddress',
        summary: 'Take a name that wallets can pay',
        description: 'It is yours for ever: switched off, nobody else can take it.',
        body: createLightningAddressSchema,
        response: answers(201, lightningAddressSchema),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      return await answerOnce(
        { database: deps.database, nowMs },
        { request, reply },
        async (tx) => {
          const createdBy = actorOf(request);
          const address = await createAddress(tx, deps, { ...body, merchantId, createdBy });
          await note(tx, deps, { address, actor: createdBy, action: 'lightning_address.created' });
          reply.header('location', `/v1/lightning-addresses/${address.id}`);
          return { status: 201, body: json(address, deps) };
        },
      );
    },
  );
  app.get(
    '/v1/lightning-addresses',
    {
      config: needs('lightning:read'),
      schema: {
        tags,
        operationId: 'listLightningAddresses',
        summary: 'List Lightning addresses, newest first',
        querystring: lightningAddressListQuerySchema,
        response: answers(200, lightningAddressPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const merchantId = merchantOf(request);
      const found = await deps.database.asTenant(merchantId, (tx) =>
        readAddresses(tx, { merchantId, startingAfter, limit: limit + 1 }),
      );
      return pageOfRows(found, limit, (address) => json(address, deps));
    },
  );
  addSingleAddress(app, deps);
}

function addSingleAddress(app: HttpApp, deps: LightningAddressRouteDeps): void {
  app.get(
    '/v1/lightning-addresses/:id',
    {
      config: needs('lightning:read'),
      schema: {
        tags,
        operationId: 'readLightningAddress',
        summary: 'Read a Lightning address',
        params,
        response: answers(200, lightningAddressSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const found = await deps.database.asTenant(own.merchantId, (tx) => readAddress(tx, own));
      if (found === undefined) throw noSuchAddress();
      return json(found, deps);
    },
  );
  app.patch(
    '/v1/lightning-addresses/:id',
    {
      config: needs('lightning:write'),
      schema: {
        tags,
        operationId: 'updateLightningAddress',
        summary: 'Change what a Lightning address takes, or switch it off',
        params,
        body: updateLightningAddressSchema,
        response: answers(200, lightningAddressSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const given = { own, change: request.body, nowMs: deps.clock.nowMs() };
      const address = await deps.database.asTenant(own.merchantId, async (tx) => {
        const changed = await changeAddress(tx, given);
        const about = { address: changed, actor: actorOf(request) };
        await note(tx, deps, { ...about, action: 'lightning_address.updated' });
        return changed;
      });
      return json(address, deps);
    },
  );
}

function json(
  address: LightningAddress,
  { publicUrl }: { publicUrl: string },
): LightningAddressJson {
  const { name, minMsat, maxMsat } = address;
  return {
    id: address.id,
    merchantId: address.merchantId,
    name,
    address: `${name}@${hostOf(publicUrl)}`,
    lnurl: encodeLnurl(`${publicUrl}/.well-known/lnurlp/${name}`).toUpperCase(),
    description: address.description,
    minSats: (minMsat / 1_000n).toString(),
    maxSats: (maxMsat / 1_000n).toString(),
    commentLength: address.commentLength,
    enabled: address.enabled,
    createdAt: new Date(address.createdAtMs).toISOString(),
    updatedAt: new Date(address.updatedAtMs).toISOString(),
  };
}

async function note(
  tx: Tx,
  deps: LightningAddressRouteDeps,
  about: { address: LightningAddress; actor: string; action: string },
): Promise<void> {
  const { address, actor, action } = about;
  await deps.recordAudit(tx, {
    merchantId: address.merchantId,
    id: deps.ids.next(),
    atMs: deps.clock.nowMs(),
    actor,
    action,
    subject: `lightning_address:${address.id}`,
    detail: { name: address.name, enabled: address.enabled },
  });
}
