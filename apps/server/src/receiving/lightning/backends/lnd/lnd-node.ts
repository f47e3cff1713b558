import type { Clock } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import type { LightningEventPage, LightningInfo, LightningNode } from '../../lightning-node.ts';
import { channelOf, readBalances, readChannels } from './channels.ts';
import { type LndAccess, type LndConnection, readLndConnection } from './connection.ts';
import { readCursor } from './cursor.ts';
import { createDoorbell } from './doorbell.ts';
import { cancelInvoice, createInvoice, lookupInvoice, settleInvoice } from './invoices.ts';
import { createPayments, type LndPayments } from './payments.ts';
import { checkMacaroon, type MacaroonReport } from './permissions.ts';
import { createPatience, type Patience, readHeld, readSettled } from './read-invoices.ts';
import { readPayments } from './read-payments.ts';
import { createLndRest, type LndRest } from './rest.ts';
import { infoShape } from './shapes.ts';

export type LndOptions = {
  readonly connection: LndConnection;
  /** What the node must be on; anything else is `wrong_network`. */
  readonly network: LightningInfo['network'];
  readonly clock: Clock;
};

/**
 * An LND node (v0.18 or later) over REST. Nothing is asked before the first call.
 * @throws {LightningNodeError} for a connection that can not be read
 */
export function createLndNode({ connection, network, clock }: LndOptions): LightningNode {
  const access = readLndConnection(connection);
  const rest = createLndRest(access);
  const doorbell = createDoorbell(rest);
  const payments = createPayments(rest, { network, clock });
  const patience = createPatience();
  return {
    kind: 'lnd',
    capabilities: {
      holdInvoices: true,
      offers: false,
      keysend: true,
      descriptionHash: true,
      channels: true,
      feeLimit: true,
    },
    info: () => readInfo(rest, network),
    async createInvoice(request) {
      const invoice = await createInvoice(rest, request);
      if (request.holdPaymentHash !== undefined) doorbell.watchHeld(invoice.paymentHash);
      return invoice;
    },
    lookupInvoice: (paymentHash) => lookupInvoice(rest, paymentHash),
    cancelInvoice: (paymentHash) => cancelInvoice(rest, paymentHash),
    settleInvoice: (preimage) => settleInvoice(rest, preimage),
    pay: (request) => payments.pay(request),
    trackPayment: (paymentHash) => payments.track(paymentHash),
    channels: async () => (await readChannels(rest)).map(channelOf),
    balances: () => readBalances(rest),
    eventsSince: (cursor, limit) =>
      eventsSince({ rest, payments, patience }, cursor, limit, clock.nowMs()),
    onEvent: (ring) => doorbell.listen(ring),
    excessiveRights: async () => (await checkMacaroon(rest, access.macaroonHex)).excessive,
    async close() {
      doorbell.close();
      await rest.close();
    },
  };
}

async function eventsSince(
  { rest, payments, patience }: { rest: LndRest; payments: LndPayments; patience: Patience },
  text: string | null,
  limit: number,
  nowMs: number,
): Promise<LightningEventPage> {
  const settled = await readSettled(rest, patience, readCursor(text), limit);
  const held = await readHeld(rest, settled.cursor, limit - settled.events.length, nowMs);
  const events = [...settled.events, ...held.events];
  const ended = await readPayments(rest, payments, held.cursor, limit - events.length);
  return {
    events: [...events, ...ended.events],
    cursor: JSON.stringify(ended.cursor),
    hasMore: settled.hasMore || held.hasMore || ended.hasMore,
  };
}

/**
 * What the macaroon may do, for the health page and `doctor`.
 * @throws {LightningNodeError} `unreachable`
 */
export async function checkLndMacaroon(connection: LndConnection): Promise<MacaroonReport> {
  const access: LndAccess = readLndConnection(connection);
  const rest = createLndRest(access);
  try {
    return await checkMacaroon(rest, access.macaroonHex);
  } finally {
    await rest.close();
  }
}

const NETWORKS: Readonly<Record<string, LightningInfo['network']>> = {
  mainnet: 'mainnet',
  testnet: 'testnet',
  testnet4: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
};

async function readInfo(rest: LndRest, expected: LightningInfo['network']): Promise<LightningInfo> {
  const info = await rest.get('/v1/getinfo', infoShape);
  const named = info.chains[0]?.network ?? '';
  const network = NETWORKS[named];
  if (network !== expected) {
    throw new LightningNodeError(
      'wrong_network',
      `the node is on ${named}, and ${expected} is what is needed`,
    );
  }
  return {
    nodeId: info.identity_pubkey,
    alias: info.alias,
    network,
    blockHeight: info.block_height,
    synced: info.synced_to_chain,
    version: info.version,
    // LND writes `key@host:port`.
    uris: info.uris.map((uri) => uri.slice(uri.indexOf('@') + 1)),
  };
}
