import { setTimeout as sleep } from 'node:timers/promises';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connectNode, type NodeClient } from '@quittance/lightning-node/client';
import type { Companion, EmbeddedLog } from '../../platform/embedded/companion.ts';
import {
  type LightningNodePlace,
  lightningSocketOf,
  spawnLightningNode,
  stopLightningNode,
} from '../../platform/embedded/lightning-node.ts';
import type { DemoChain } from './chain.ts';
import { DemoError } from './errors.ts';
import type { DemoStore } from './store.ts';

/** Each step takes a moment; a machine that is busy with other things needs longer. */
const STEP_DEADLINE_MS = 60_000;
const POLL_MS = 25;
/** Enough for the dearest product of the shop, several times. */
const CHANNEL_SATS = 10_000_000n;
const ONCHAIN_SATS = 50_000_000n;
/** Blocks until both sides let the channel be used. */
const CHANNEL_BLOCKS = 3;
/** One hop costs nothing; a payer's wallet would allow about so much. */
const MAX_FEE_MSAT = 10_000n;
const PAYMENT_TIMEOUT_MS = 30_000;

/** A customer with a Lightning wallet, which has a channel with the shop's node. */
export type LightningPayer = {
  /** Milliseconds from asking for it to the channel that can be used. */
  readonly readyMs: number;
  /** Pays an invoice and waits for the outcome. @throws {DemoError} when it is not paid */
  pay(invoice: { bolt11: string; paymentHash: string; amountSats: bigint }): Promise<void>;
  stop(): Promise<void>;
};

/** Where the shop's own node is; the server starts it. */
export function shopLightning(folder: string, { node }: DemoChain): LightningNodePlace {
  return placeOf(folder, 'shop', node);
}

/**
 * Connects the shop's node to its store, starts the customer's node and opens a channel between them:
 * two processes, real peers on a real chain.
 */
export async function startLightningPayer(options: {
  folder: string;
  chain: DemoChain;
  store: DemoStore;
  log: EmbeddedLog;
}): Promise<LightningPayer> {
  const { folder, chain, store, log } = options;
  const startedAt = performance.now();
  const place = placeOf(folder, 'customer', chain.node);
  const companion = spawnLightningNode(place, log);
  const payer = connectNode({ socketPath: lightningSocketOf(place) });
  const shop = connectNode({ socketPath: lightningSocketOf(shopLightning(folder, chain)) });
  try {
    const { nodeId, listensOn } = await info(shop);
    if (listensOn === null) throw new DemoError('the shop’s Lightning node takes no connections');
    await connectStore(store);
    await info(payer, companion);
    if (!(await hasChannel(payer))) {
      await openChannel({ chain, payer, shop, nodeId, address: listensOn });
    }
    await until('channel', async () => (await hasChannel(payer)) && (await hasChannel(shop)));
  } catch (error) {
    payer.close();
    await stopLightningNode(companion);
    throw error;
  } finally {
    shop.close();
  }
  return {
    readyMs: performance.now() - startedAt,
    pay: (invoice) => pay(payer, invoice),
    async stop() {
      payer.close();
      await stopLightningNode(companion);
    },
  };
}

function placeOf(folder: string, alias: string, node: DemoChain['node']): LightningNodePlace {
  const own = join(folder, 'lightning', alias);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const { rpcUrl: url, rpcUser: user, rpcPassword: password } = node;
  return { folder: own, network: 'regtest', alias, bitcoind: { url, user, password } };
}

async function connectStore({ client }: DemoStore): Promise<void> {
  const { data } = await client.lightningNodes.list();
  if (data.some(({ active }) => active)) return;
  await client.lightningNodes.connect({ kind: 'embedded' });
}

async function openChannel(parts: {
  chain: DemoChain;
  payer: NodeClient;
  shop: NodeClient;
  nodeId: string;
  address: string;
}): Promise<void> {
  const { chain, payer, shop, nodeId, address } = parts;
  const { address: own } = await payer.call('new-address', {});
  await chain.send(await chain.prepare(own, ONCHAIN_SATS));
  await chain.mine(1);
  await until('customer’s coins', async () => {
    await payer.call('sync', {});
    return BigInt((await payer.call('balances', {})).onchainSats) >= ONCHAIN_SATS;
  });
  await payer.call('connect-peer', { nodeId, address });
  await until('connection to the shop', async () =>
    (await payer.call('peers', {})).some((peer) => peer.nodeId === nodeId && peer.isOnline),
  );
  const capacitySats = String(CHANNEL_SATS);
  const opening = { nodeId, capacitySats, isPublic: false, pushMsat: '0' };
  const { fundingTxid } = await payer.call('open-channel', opening);
  // It is sent while we are told of it: a block that is mined at once might come first.
  await until('transaction of the channel', () => chain.isInMempool(fundingTxid));
  await chain.mine(CHANNEL_BLOCKS);
  await Promise.all([payer, shop].map((node) => node.call('sync', {})));
}

async function hasChannel(node: NodeClient): Promise<boolean> {
  return (await node.call('channels', {})).some(({ isActive }) => isActive);
}

async function info(node: NodeClient, companion?: Companion) {
  let found: Awaited<ReturnType<typeof ask>> = null;
  const ask = () => node.call('info', {}).catch(() => null);
  await until('Lightning node', async () => {
    if (companion?.hasExited() === true) throw new DemoError(companion.tail());
    found = await ask();
    return found !== null;
  });
  if (found === null) throw new DemoError('the Lightning node has not started');
  return found as NonNullable<Awaited<ReturnType<typeof ask>>>;
}

async function pay(
  payer: NodeClient,
  { bolt11, paymentHash, amountSats }: Parameters<LightningPayer['pay']>[0],
): Promise<void> {
  const outcome = await payer.call(
    'pay',
    {
      ...{ destination: { bolt11 }, paymentHash, amountMsat: String(amountSats * 1_000n) },
      ...{ maxFeeMsat: String(MAX_FEE_MSAT), timeoutMs: PAYMENT_TIMEOUT_MS },
      waitMs: PAYMENT_TIMEOUT_MS,
    },
    { timeoutMs: PAYMENT_TIMEOUT_MS },
  );
  if (outcome.state === 'succeeded') return;
  const why = outcome.state === 'failed' ? `: ${outcome.failure.detail}` : '';
  throw new DemoError(`the customer’s Lightning payment is ${outcome.state}${why}`);
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + STEP_DEADLINE_MS;
  while (!(await look())) {
    if (performance.now() > deadline) {
      throw new DemoError(`no ${what} within ${STEP_DEADLINE_MS / 1_000} s`);
    }
    await sleep(POLL_MS);
  }
}
