import { systemClock } from '@quittance/kernel';
import type {
  LightningWorld,
  WorldPeer,
} from '../../apps/server/src/receiving/lightning/backends/contract-suite.ts';
import {
  openClnNode,
  payingMethods,
  receivingMethods,
} from '../../apps/server/src/receiving/lightning/backends/cln/index.ts';
import { invoicesShape } from '../../apps/server/src/receiving/lightning/backends/cln/shapes.ts';
import type { LightningNode } from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import { systemRandom } from '../../apps/server/src/platform/random.ts';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
  until,
} from '../support/lightning.ts';
import {
  type LightningdBinary,
  type RunningLightningd,
  startLightningd,
} from '../support/lightningd.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';

type Binary = Extract<LightningdBinary, { path: string }>;

/** Ours at the start, and theirs: the contract wants 500,000 sat on each side. */
const CHANNEL_SATS = 4_000_000n;
const FAR_CHANNEL_SATS = 500_000n;

export type ClnWorld = LightningWorld & { readonly cln: RunningLightningd };

/** Core Lightning, with no more rights than Quittance asks for — embedded node — embedded node. */
export async function onCln(binary: Binary): Promise<ClnWorld> {
  const { regtest, network, cln } = await start(binary, ['bob', 'carol']);
  const [bob, carol] = [network.get('bob'), network.get('carol')];
  await network.openChannel(bob, carol, { capacitySats: FAR_CHANNEL_SATS });
  await openTo({ regtest, network, cln }, bob, CHANNEL_SATS);
  const node = await clnNode(await cln.rune([...receivingMethods, ...payingMethods]));
  await untilActive([node, bob.node]);
  return {
    ...{ node, peer: bob, far: carol, cln },
    kill: cln.kill,
    async start() {
      await cln.restart();
      await cln.synced();
      await untilActive([node, bob.node]);
    },
    stop: () => stopAll([node], { regtest, network, cln }),
  };
}

/** Embedded node — Core Lightning — embedded node. */
export async function besideCln(binary: Binary): Promise<ClnWorld> {
  const { regtest, network, cln } = await start(binary, ['alice', 'carol']);
  const [alice, carol] = [network.get('alice'), network.get('carol')];
  await openTo({ regtest, network, cln }, alice, CHANNEL_SATS);
  await openTo({ regtest, network, cln }, carol, FAR_CHANNEL_SATS);
  const peer = await peerOf(cln, [alice.node, carol.node]);
  await untilActive([alice.node, carol.node]);
  return {
    ...{ node: alice.node, peer, far: carol, cln },
    kill: alice.kill,
    async start() {
      await alice.restart();
      await alice.untilUsable();
    },
    stop: () => stopAll([peer.node], { regtest, network, cln }),
  };
}

type Parts = { regtest: Regtest; network: LightningNetwork; cln: RunningLightningd };

async function start(binary: Binary, names: readonly string[]): Promise<Parts> {
  const regtest = await startRegtest();
  const [network, cln] = await Promise.all([
    startLightning(regtest, { names, channels: null }),
    startLightningd(binary, regtest, { alias: 'cln' }),
  ]);
  await cln.synced();
  return { regtest, network, cln };
}

/** A private channel from an embedded node, half of it on each side. */
async function openTo(
  { regtest, network, cln }: Parts,
  from: TestLightningNode,
  capacitySats: bigint,
): Promise<void> {
  await from.client.call('connect-peer', { nodeId: cln.publicKey, address: cln.address });
  await until(`${from.name} connected with Core Lightning`, async () => {
    const peers = await from.client.call('peers', {});
    return peers.some(({ nodeId, isOnline }) => nodeId === cln.publicKey && isOnline);
  });
  const { fundingTxid } = await from.client.call('open-channel', {
    ...{ nodeId: cln.publicKey, capacitySats: String(capacitySats), isPublic: false },
    pushMsat: String((capacitySats / 2n) * 1_000n),
  });
  // It is sent while we are told of it: a block that is mined at once might come first.
  await until(`the funding of ${from.name}'s channel`, async () => {
    const waiting = await regtest.rpc.call<string[]>('getrawmempool');
    return waiting.includes(fundingTxid);
  });
  await network.mine(1);
  await cln.synced();
  await until(`the channel at ${from.name}`, async () => {
    const channels = await from.node.channels();
    return channels.some(({ isActive, peerId }) => isActive && peerId === cln.publicKey);
  });
}

/** At the other end. It has no switch for refusing, so its invoices are deleted. */
async function peerOf(
  cln: RunningLightningd,
  others: readonly LightningNode[],
): Promise<WorldPeer> {
  return {
    nodeId: cln.publicKey,
    node: await clnNode(cln.admin),
    async behave({ incoming }) {
      if (incoming !== 'reject') return;
      const { invoices } = await cln.rest.call('listinvoices', {}, invoicesShape);
      for (const { label, status } of invoices) {
        if (status === 'unpaid') await cln.call('delinvoice', { label, status });
      }
    },
    async setOnline(online) {
      if (!online) {
        await cln.kill();
        return;
      }
      await cln.restart();
      await cln.synced();
      await untilActive(others);
    },
  };
}

function clnNode(connection: RunningLightningd['admin']): Promise<LightningNode> {
  return openClnNode({
    ...{ connection, network: 'regtest', clock: systemClock, random: systemRandom },
  });
}

async function untilActive(nodes: readonly LightningNode[]): Promise<void> {
  for (const node of nodes) {
    await until('all channels', async () => {
      const channels = await node.channels();
      return channels.length > 0 && channels.every(({ isActive }) => isActive);
    });
  }
}

async function stopAll(nodes: readonly LightningNode[], { regtest, network, cln }: Parts) {
  for (const node of nodes) await node.close();
  await Promise.all([network.stop(), cln.stop()]);
  await regtest.stop();
}

/** Two Core Lightning nodes with a channel between them, half of it on each side. */
export async function twoCln(binary: Binary): Promise<{
  readonly ours: RunningLightningd;
  /** With no more rights than Quittance asks for. */
  readonly node: LightningNode;
  readonly theirs: RunningLightningd;
  readonly payer: LightningNode;
  stop(): Promise<void>;
}> {
  const regtest = await startRegtest();
  const [ours, theirs] = await Promise.all([
    startLightningd(binary, regtest, { alias: 'ours' }),
    startLightningd(binary, regtest, { alias: 'theirs' }),
  ]);
  await regtest.sendTo(await ours.newAddress(), 2n * CHANNEL_SATS);
  await regtest.mine(1);
  await Promise.all([ours.synced(), theirs.synced()]);
  await ours.connect(theirs);
  await until('the coins of Core Lightning', async () => {
    const { onchainSats } = await (await clnNode(ours.admin)).balances();
    return onchainSats > CHANNEL_SATS;
  });
  await ours.call('fundchannel', {
    ...{ id: theirs.publicKey, amount: Number(CHANNEL_SATS), announce: false, feerate: 'slow' },
    push_msat: Number((CHANNEL_SATS / 2n) * 1_000n),
  });
  await regtest.mine(6);
  await Promise.all([ours.synced(), theirs.synced()]);
  const node = await clnNode(await ours.rune([...receivingMethods, ...payingMethods]));
  const payer = await clnNode(theirs.admin);
  await untilActive([node, payer]);
  return {
    ...{ ours, node, theirs, payer },
    async stop() {
      await Promise.all([node.close(), payer.close()]);
      await Promise.all([ours.stop(), theirs.stop()]);
      await regtest.stop();
    },
  };
}
