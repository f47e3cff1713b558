import type { Customer as CustomerJson } from '@quittance/contract';
import { uuidText } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import { actorOf, answerOnce, merchantOf } from '../../platform/http/index.ts';
import type { UrlPolicy } from '../../platform/outbound/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import type { Customer } from './customer.ts';
import { noSuchCustomer } from './family.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { customersJson } from './present.ts';
import { type OwnCustomer, readCustomer } from './store.ts';
import { openVault } from './vault.ts';

export type CustomerRouteDeps = CustomerDeps & {
  database: Database;
  recordAudit: typeof recordAudit;
  /** Which addresses a store's provider may have. */
  urlPolicy: UrlPolicy;
};

export const tags = ['Customers'];
export const params = z.strictObject({ id: uuidText });
/** Where a route names a customer. */
export const PATH = '/v1/compliance/customers';

export type Exchange = { request: FastifyRequest; reply: FastifyReply };

export function doingOf(deps: CustomerDeps, request: FastifyRequest): Doing {
  return { by: actorOf(request), nowMs: deps.clock.nowMs() };
}

export function ownIn(request: FastifyRequest, id: Uuid): OwnCustomer {
  return { merchantId: merchantOf(request), id };
}

/** @throws {AppError} not_found */
export async function existing(tx: Tx, own: OwnCustomer): Promise<Customer> {
  const customer = await readCustomer(tx, own);
  if (customer === undefined) throw noSuchCustomer();
  return customer;
}

export async function customerJson(
  tx: Tx,
  deps: CustomerDeps,
  customer: Customer,
): Promise<CustomerJson> {
  const vault = await openVault(tx, deps, customer.merchantId);
  const [body] = await customersJson(tx, vault, [customer], deps.clock.nowMs());
  assert(body !== undefined, 'one for each customer');
  return body;
}

/**
 * Answers a POST once for its Idempotency-Key. The answer says who somebody is, so it is stored under
 * the caller's key only.
 */
export async function answerSealed<Body>(
  deps: CustomerRouteDeps,
  exchange: Exchange,
  work: (tx: Tx, doing: Doing) => Promise<{ status: number; body: Body }>,
): Promise<Body> {
  const doing = doingOf(deps, exchange.request);
  return await answerOnce(
    { database: deps.database, nowMs: doing.nowMs },
    { ...exchange, holdsSecret: true },
    (tx) => work(tx, doing),
  );
}
