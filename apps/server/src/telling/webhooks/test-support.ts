import { randomFillSync } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { type NewEvent, recordEvents } from '../events/index.ts';
import { createEndpoint, type EndpointDeps } from './create-endpoint.ts';
import type { WebhookDispatcherOptions } from './dispatcher.ts';
import type { EndpointStyle } from './endpoint.ts';

export const random = (target: Uint8Array): Uint8Array => randomFillSync(target);
export const ids = uuidV7Ids(systemClock, random);
export const localPolicy = { allowPrivateAddresses: true, allowInsecureHttp: true };
export const deps: EndpointDeps = { clock: systemClock, ids, random, urlPolicy: localPolicy };

/** Options of a dispatcher that may talk to this machine. */
export function localDispatcher(database: Database): WebhookDispatcherOptions {
  const log = { info() {}, warn() {} };
  return { database, clock: systemClock, random, log, connectGuard: localPolicy };
}

export type Received = { headers: IncomingHttpHeaders; body: string; atMs: number; path: string };
export type Receiver = { url: string; received: Received[]; close(): Promise<void> };

/** A merchant's server; answers 200 unless told otherwise. */
export async function startReceiver(
  answer: (response: ServerResponse, received: Received) => void = (response) => response.end('ok'),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const path = request.url ?? '';
      const one = { headers: request.headers, body, atMs: performance.now(), path };
      received.push(one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function newMerchant(database: Database): Promise<Uuid> {
  const id = ids.next();
  await database.asSystem((tx) =>
    tx.query(
      `INSERT INTO merchant (id, name, settings, created_at, updated_at)
       VALUES ($1, 'Shop', '{}', now(), now())`,
      [id],
    ),
  );
  return id;
}

export async function newEndpoint(
  database: Database,
  merchantId: Uuid,
  url: string,
  style: EndpointStyle = 'standard',
) {
  return database.asTenant(merchantId, (tx) =>
    createEndpoint(tx, deps, { merchantId, url, style }),
  );
}

export function newEvent(merchantId: Uuid, type: NewEvent['type'] = 'order.created'): NewEvent {
  const orderId = ids.next();
  const data = {
    orderId,
    externalId: null,
    status: 'PENDING',
    priceCurrency: 'EUR',
    priceAmount: '19.90',
    dueSats: '20000',
    receivedSats: '0',
    confirmedSats: '0',
    remainingSats: '20000',
    excessSats: '0',
    lateSats: '0',
    reviewSats: '0',
    refundedSats: '0',
    message: 'The order was made.',
  };
  return { merchantId, id: ids.next(), type, orderId, data, createdAtMs: systemClock.nowMs() };
}

export async function record(database: Database, events: NewEvent[]): Promise<void> {
  await database.asSystem((tx) => recordEvents(tx, events));
}

export type StoredDelivery = {
  id: Uuid;
  state: string;
  attempts: number;
  next_attempt_at: Date;
};
export async function storedDeliveries(
  database: Database,
  endpointId: Uuid,
): Promise<StoredDelivery[]> {
  return database.asSystem((tx) =>
    tx.query<StoredDelivery>(
      `SELECT id, state, attempts, next_attempt_at FROM webhook_delivery
       WHERE endpoint_id = $1 ORDER BY created_at, id`,
      [endpointId],
    ),
  );
}
