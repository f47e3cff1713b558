import type { Clock, Random } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import type { LightningInfo, LightningNode } from '../../lightning-node.ts';
import { readBalances, readChannels } from './channels.ts';
import type { ClnConnection } from './connection.ts';
import { createDoorbell } from './doorbell.ts';
import { createInvoices } from './invoices.ts';
import { createOffer, fetchInvoice, withdrawOffer } from './offers.ts';
import { createPayments } from './payments.ts';
import { readEvents } from './read-events.ts';
import { type ClnRpc, createClnRpc } from './rpc.ts';
import { helpShape, infoShape } from './shapes.ts';

export type ClnOptions = {
  readonly connection: ClnConnection;
  /** What the node must be on; anything else is `wrong_network`. */
  readonly network: LightningInfo['network'];
  readonly clock: Clock;
  readonly random: Random;
};

/**
 * A Core Lightning node (v24.11 or later) over clnrest. It is asked first which methods it has.
 * @throws {LightningNodeError} `unreachable`, `unauthorized`, `certificate`
 */
export async function openClnNode(options: ClnOptions): Promise<LightningNode> {
  const rpc = createClnRpc(options.connection);
  try {
    const { help } = await rpc.call('help', {}, helpShape);
    const methods = new Set(help.map(({ command }) => command.split(' ')[0] ?? ''));
    return nodeOf(rpc, methods, options);
  } catch (error) {
    await rpc.close();
    throw error;
  }
}

function nodeOf(rpc: ClnRpc, methods: ReadonlySet<string>, options: ClnOptions): LightningNode {
  const { network, clock, random } = options;
  const payments = createPayments(rpc, { network, clock, hasXpay: methods.has('xpay') });
  const invoices = createInvoices(rpc, random);
  const doorbell = createDoorbell(rpc);
  const offers = methods.has('fetchinvoice') && methods.has('offer');
  return {
    kind: 'cln',
    capabilities: {
      // Plugins bring them, each in its own way: none takes description, expiry and a bare hash.
      holdInvoices: false,
      offers,
      // `keysend` chooses the preimage itself, and the hash has to be stored before.
      keysend: false,
      // `invoice` hashes the text itself (deschashonly), so it has to be given.
      descriptionHash: true,
      channels: true,
      feeLimit: true,
    },
    info: () => readInfo(rpc, network),
    createInvoice: (request) => invoices.create(request),
    lookupInvoice: (paymentHash) => invoices.lookup(paymentHash),
    cancelInvoice: (paymentHash) => invoices.cancel(paymentHash),
    settleInvoice: () =>
      Promise.reject(
        new LightningNodeError('unsupported', 'Core Lightning has no hold invoices of its own'),
      ),
    pay: (request) => payments.pay(request),
    trackPayment: (paymentHash) => payments.track(paymentHash),
    channels: () => readChannels(rpc),
    balances: () => readBalances(rpc),
    eventsSince: (cursor, limit) => readEvents(rpc, payments, cursor, limit),
    onEvent: (ring) => doorbell.listen(ring),
    ...(offers
      ? {
          fetchInvoice: (request) => fetchInvoice(rpc, request),
          createOffer: (request) => createOffer(rpc, random, request),
          withdrawOffer: (offerId) => withdrawOffer(rpc, offerId),
        }
      : {}),
    async close() {
      doorbell.close();
      await rpc.close();
    },
  };
}

const NETWORKS: Readonly<Record<string, LightningInfo['network']>> = {
  bitcoin: 'mainnet',
  testnet: 'testnet',
  testnet4: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
};

async function readInfo(rpc: ClnRpc, expected: LightningInfo['network']): Promise<LightningInfo> {
  const info = await rpc.call('getinfo', {}, infoShape);
  const network = NETWORKS[info.network];
  if (network !== expected) {
    throw new LightningNodeError(
      'wrong_network',
      `the node is on ${info.network}, and ${expected} is what is needed`,
    );
  }
  return {
    nodeId: info.id,
    alias: info.alias,
    network,
    blockHeight: info.blockheight,
    synced: !info.warning_bitcoind_sync && !info.warning_lightningd_sync,
    version: info.version,
    uris: info.address.flatMap(({ address, port }) =>
      address === null || address === undefined ? [] : [`${address}:${port}`],
    ),
  };
}
