import { type Clock, MAX_SATS, MSATS_PER_SAT, type Random } from '@quittance/kernel';
import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import type { LightningInfo, LightningNode } from '../../lightning-node.ts';
import { int64 } from '../remote/exact-json.ts';
import { type NwcConnection, readConnectionUri } from './connection.ts';
import { cancelInvoice, createInvoice, lookupInvoice } from './invoices.ts';
import { pay, trackPayment } from './payments.ts';
import { readEvents } from './read-events.ts';
import { createWalletService, type WalletService } from './wallet-service.ts';

export type NwcOptions = {
  readonly connection: NwcConnection;
  /** What the wallet must be on; anything else is `wrong_network`. */
  readonly network: LightningInfo['network'];
  readonly clock: Clock;
  readonly random: Random;
};

/** The clocks of two machines. */
const CLOCK_MARGIN_S = 60n;
/** Without these a connection is of no use: what was done could never be looked up. */
const NEEDED = ['get_info', 'lookup_invoice', 'list_transactions'];

/**
 * Connects a wallet service (NIP-47). Its info event is read first, for what it can do.
 * @throws {LightningNodeError} `unauthorized` for a URI that can not be read, `unreachable` when no
 * relay knows the service, `unsupported` when it can not do enough
 */
export async function openNwcNode(options: NwcOptions): Promise<LightningNode> {
  const { connection, network, clock, random } = options;
  const access = readConnectionUri(connection.connectionUri);
  const wallet = createWalletService(access, { clock, random });
  try {
    const { methods } = await wallet.describe();
    const missing = NEEDED.filter((method) => !methods.includes(method));
    if (missing.length > 0) {
      throw new LightningNodeError(
        'unsupported',
        `the connection does not allow ${missing.join(', ')}`,
      );
    }
    return nodeOf(wallet, methods, { network, clock, walletKey: access.walletKey });
  } catch (error) {
    wallet.close();
    throw error;
  }
}

function nodeOf(
  wallet: WalletService,
  methods: readonly string[],
  { network, clock, walletKey }: Pick<NwcOptions, 'network' | 'clock'> & { walletKey: string },
): LightningNode {
  /** When the first hold invoice of this process was made, in seconds since 1970. */
  let heldSince: bigint | null = null;
  const can = (...names: string[]): boolean => names.every((name) => methods.includes(name));
  return {
    kind: 'nwc',
    capabilities: {
      holdInvoices: can('make_hold_invoice', 'settle_hold_invoice', 'cancel_hold_invoice'),
      offers: false,
      keysend: can('pay_keysend'),
      descriptionHash: true,
      channels: false,
      // `pay_invoice` has no limit for fees: the service takes its own.
      feeLimit: false,
    },
    info: () => readInfo(wallet, network, walletKey),
    async createInvoice(request) {
      if (request.holdPaymentHash !== undefined) {
        heldSince ??= BigInt(Math.floor(clock.nowMs() / 1_000)) - CLOCK_MARGIN_S;
      }
      return createInvoice(wallet, request);
    },
    lookupInvoice: (paymentHash) => lookupInvoice(wallet, paymentHash),
    cancelInvoice: (paymentHash) => cancelInvoice(wallet, paymentHash),
    async settleInvoice(preimage) {
      await wallet.request('settle_hold_invoice', { preimage }, z.unknown());
    },
    pay: (request) => pay(wallet, request, { network, clock }),
    trackPayment: (paymentHash) => trackPayment(wallet, paymentHash),
    channels: async () => [],
    balances: () => readBalances(wallet),
    eventsSince: (cursor, limit) => readEvents(wallet, cursor, limit, heldSince),
    onEvent: (ring) => wallet.onNotification(ring),
    close: async () => wallet.close(),
  };
}

const infoShape = z.object({
  alias: z.string().nullish(),
  pubkey: z.string().nullish(),
  network: z.string().nullish(),
  block_height: z.number().nullish(),
});

async function readInfo(
  wallet: WalletService,
  expected: LightningInfo['network'],
  walletKey: string,
): Promise<LightningInfo> {
  const info = await wallet.request('get_info', {}, infoShape);
  // Some services write "bitcoin" for mainnet, as Core Lightning does.
  const network = info.network === 'bitcoin' ? 'mainnet' : info.network;
  if (network !== expected) {
    throw new LightningNodeError(
      'wrong_network',
      `the wallet is on ${network ?? 'no network that it would name'}, and ${expected} is needed`,
    );
  }
  return {
    // Services that hide their node are told apart by the key that they have for this connection.
    nodeId: info.pubkey || walletKey,
    alias: info.alias ?? '',
    network: expected,
    blockHeight: info.block_height ?? 0,
    synced: true,
    version: 'NIP-47',
    uris: [],
  };
}

/**
 * A wallet service tells one number. What it could receive it does not say: it is not limited here,
 * since a limit of 0 would stop every invoice.
 */
async function readBalances(wallet: WalletService) {
  const { balance } = await wallet.request('get_balance', {}, z.object({ balance: int64 }));
  return {
    channelsMsat: balance,
    inFlightMsat: 0n,
    onchainSats: 0n,
    sendableMsat: balance,
    receivableMsat: MAX_SATS * MSATS_PER_SAT,
  };
}
