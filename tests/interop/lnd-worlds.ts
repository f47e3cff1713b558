import { decodeBolt11 } from '@quittance/bitcoin';
import { systemClock } from '@quittance/kernel';
import type {
  LightningWorld,
  WorldPeer,
} from '../../apps/server/src/receiving/lightning/backends/contract-suite.ts';
import {
  createLndNode,
  payingRights,
  receivingRights,
} from '../../apps/server/src/receiving/lightning/backends/lnd/index.ts';
import {
  invoicePageShape,
  nothing,
} from '../../apps/server/src/receiving/lightning/backends/lnd/shapes.ts';
import type { LightningNode } from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
  until,
} from '../support/lightning.ts';
import { type RunningLnd, startLnd } from '../support/lnd.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';

/** Ours at the start, and theirs: the contract wants 500,000 sat on each side. */
const CHANNEL_SATS = 4_000_000n;
const FAR_CHANNEL_SATS = 500_000n;
const LND_ONCHAIN_SATS = 50_000_000n;

/** LND, with no more rights than Quittance asks for — embedded node — embedded node. */
export async function onLnd(
  binary: string,
): Promise<LightningWorld & { lnd: RunningLnd; mine(blocks: number): Promise<void> }> {
  const { regtest, network, lnd } = await start(binary, ['bob', 'carol']);
  const [bob, carol] = [network.get('bob'), network.get('carol')];
  await network.openChannel(bob, carol, { capacitySats: FAR_CHANNEL_SATS });
  await openToLnd({ regtest, network, from: bob, lnd });
  const rights = [...receivingRights, ...payingRights].map(({ uri }) => `uri:${uri}`);
  const node = lndNode(await lnd.bake(rights));
  return {
    ...{ node, peer: bob, far: carol, lnd },
    async mine(blocks) {
      await network.mine(blocks);
      await lnd.synced();
    },
    kill: lnd.kill,
    async start() {
      await lnd.restart();
      await lnd.synced();
      await untilActive([node, bob.node]);
    },
    stop: () => stopAll([node], { regtest, network, lnd }),
  };
}

/** Embedded node — LND — embedded node. */
export async function besideLnd(binary: string): Promise<LightningWorld> {
  const { regtest, network, lnd } = await start(binary, ['alice', 'carol']);
  const [alice, carol] = [network.get('alice'), network.get('carol')];
  await openToLnd({ regtest, network, from: alice, lnd });
  const carolsAddress = (await carol.client.call('info', {})).listensOn ?? '';
  await lnd.connect({ publicKey: carol.nodeId, address: carolsAddress });
  await lnd.openChannel({
    ...{ peer: carol.nodeId, sats: FAR_CHANNEL_SATS, pushSats: FAR_CHANNEL_SATS / 2n },
    isPrivate: true,
  });
  const peer = await peerOf(lnd, [alice.node, carol.node]);
  await network.mine(1);
  await lnd.synced();
  await lnd.routable(2);
  await untilActive([alice.node, carol.node]);
  await untilHinted([alice.node, carol.node]);
  return {
    ...{ node: alice.node, peer, far: carol },
    kill: alice.kill,
    async start() {
      await alice.restart();
      await alice.untilUsable();
    },
    stop: () => stopAll([peer.node], { regtest, network, lnd }),
  };
}

async function start(binary: string, names: readonly string[]) {
  const regtest = await startRegtest();
  const [network, lnd] = await Promise.all([
    startLightning(regtest, { names, channels: null }),
    startLnd(binary, regtest, { alias: 'lnd' }),
  ]);
  await regtest.sendTo(await lnd.newAddress(), LND_ONCHAIN_SATS);
  await network.mine(1);
  await lnd.synced();
  return { regtest, network, lnd };
}

async function openToLnd({
  regtest,
  network,
  from,
  lnd,
}: {
  regtest: Regtest;
  network: LightningNetwork;
  from: TestLightningNode;
  lnd: RunningLnd;
}): Promise<void> {
  await from.client.call('connect-peer', { nodeId: lnd.publicKey, address: lnd.address });
  await until(`${from.name} connected with LND`, async () => {
    const peers = await from.client.call('peers', {});
    return peers.some(({ nodeId, isOnline }) => nodeId === lnd.publicKey && isOnline);
  });
  const { fundingTxid } = await from.client.call('open-channel', {
    ...{ nodeId: lnd.publicKey, capacitySats: String(CHANNEL_SATS), isPublic: false },
    pushMsat: String((CHANNEL_SATS / 2n) * 1_000n),
  });
  // It is sent while we are told of it: a block that is mined at once might come first.
  await until(`the funding of ${from.name}'s channel`, async () => {
    const waiting = await regtest.rpc.call<string[]>('getrawmempool');
    return waiting.includes(fundingTxid);
  });
  await network.mine(1);
  await lnd.synced();
  await lnd.routable(1);
  await until(`the channel at ${from.name}`, async () => {
    const channels = await from.node.channels();
    return channels.some(({ isActive, peerId }) => isActive && peerId === lnd.publicKey);
  });
}

/** LND as the one at the other end. It has no switch for refusing, so its invoices are cancelled. */
async function peerOf(lnd: RunningLnd, others: readonly LightningNode[]): Promise<WorldPeer> {
  const node = lndNode(lnd.admin);
  return {
    nodeId: lnd.publicKey,
    node,
    async behave({ incoming }) {
      if (incoming !== 'reject') return;
      const path = '/v1/invoices?pending_only=true&num_max_invoices=1000';
      const { invoices } = await lnd.rest.get(path, invoicePageShape);
      for (const { r_hash } of invoices) {
        const hash = Buffer.from(r_hash, 'hex').toString('base64');
        await lnd.rest.post('/v2/invoices/cancel', { payment_hash: hash }, nothing);
      }
    },
    async setOnline(online) {
      if (!online) {
        await lnd.kill();
        return;
      }
      await lnd.restart();
      await untilActive(others);
    },
  };
}

function lndNode(connection: RunningLnd['admin']): LightningNode {
  return createLndNode({ connection, network: 'regtest', clock: systemClock });
}

async function untilActive(nodes: readonly LightningNode[]): Promise<void> {
  for (const node of nodes) {
    await until('all channels', async () => {
      const channels = await node.channels();
      return channels.length > 0 && channels.every(({ isActive }) => isActive);
    });
  }
}

/**
 * Until the peer has told its terms for forwarding, an invoice has no hint, and nobody but that peer
 * can pay it.
 */
async function untilHinted(nodes: readonly LightningNode[]): Promise<void> {
  for (const node of nodes) {
    await until('an invoice with a hint', async () => {
      const { bolt11 } = await node.createInvoice({
        ...{ amountMsat: 1_000n, description: 'hints', expirySeconds: 60 },
      });
      const read = decodeBolt11(bolt11);
      return read.ok && read.invoice.routeHints.length > 0;
    });
  }
}

async function stopAll(
  nodes: readonly LightningNode[],
  world: { regtest: Regtest; network: LightningNetwork; lnd: RunningLnd },
): Promise<void> {
  for (const node of nodes) await node.close();
  await Promise.all([world.network.stop(), world.lnd.stop()]);
  await world.regtest.stop();
}
