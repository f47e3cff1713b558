import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Msats, Sats } from '@quittance/kernel';
import { connectNode, type NodeClient, type WireParams } from '@quittance/lightning-node/client';
import type { Companion } from '../../apps/server/src/platform/embedded/companion.ts';
import {
  type LightningNodePlace,
  lightningSocketOf,
  spawnLightningNode,
  stopLightningNode,
} from '../../apps/server/src/platform/embedded/lightning-node.ts';
import { createEmbeddedNode } from '../../apps/server/src/receiving/lightning/backends/embedded/embedded-node.ts';
import type { LightningNode } from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import type { Regtest } from './regtest.ts';
import { quietLog, temporaryFolder } from './temporary.ts';

/** Starting takes half a second; on a machine that is busy with other tests much longer. */
const PATIENCE_MS = 180_000;
const POLL_MS = 20;
/** What each node has on the chain to open channels with. */
const ONCHAIN_SATS: Sats = 200_000_000n;

/** A real Lightning node of its own process, with the product's own client. */
export interface TestLightningNode {
  readonly name: string;
  readonly nodeId: string;
  /** The backend as the server uses it. */
  readonly node: LightningNode;
  /** All that the process can do, channels and peers too. */
  readonly client: NodeClient;
  readonly socketPath: string;
  readonly place: LightningNodePlace;
  readonly pid: number;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again after `kill` or `stop`; peers connect by themselves. */
  restart(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Stops its process (SIGSTOP): it answers nobody and loses nothing. */
  freeze(): void;
  thaw(): void;
  /** No connection to any peer until it is online again; the process goes on. */
  setOnline(online: boolean): Promise<void>;
  /** What it does with what arrives: `hold` never settles, `reject` refuses. */
  behave(behaviour: WireParams<'behave'>): Promise<void>;
  /** A plain invoice. Without hints, a private channel's owner can not be found. */
  invoice(options?: {
    amountMsat?: Msats | null;
    expirySeconds?: number;
    withHints?: boolean;
    description?: string;
  }): Promise<{ bolt11: string; paymentHash: string }>;
  /** Resolves when at least so many channels can be used. */
  untilUsable(count?: number): Promise<void>;
}

export interface TestChannel {
  readonly id: string;
  readonly from: TestLightningNode;
  readonly to: TestLightningNode;
}

export interface OpenChannelOptions {
  capacitySats?: Sats;
  /** Given to the other side at the start. */
  pushSats?: Sats;
  /** Public ones are announced to everybody; that takes six blocks. */
  isPublic?: boolean;
}

export interface LightningNetwork {
  /** By name, as they were started. */
  readonly nodes: ReadonlyMap<string, TestLightningNode>;
  /** @throws when there is none of that name */
  get(name: string): TestLightningNode;
  addNode(name: string): Promise<TestLightningNode>;
  /** Opens, mines, and waits until both sides can use it. */
  openChannel(
    from: TestLightningNode,
    to: TestLightningNode,
    options?: OpenChannelOptions,
  ): Promise<TestChannel>;
  /** Pays from one side to the other until only `leaveMsat` (and the reserve) can be sent. */
  drain(from: TestLightningNode, to: TestLightningNode, leaveMsat?: Msats): Promise<void>;
  /** Mines, and waits until all running nodes have seen it. */
  mine(blocks: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Real Lightning nodes over a regtest node, with funded channels between neighbours: the first
 * opens to the second, the second to the third, and so on.
 * @param options.names two when left out: alice and bob
 * @param options.channels of every pair of neighbours; null opens none
 */
export async function startLightning(
  regtest: Regtest,
  options: { names?: readonly string[]; channels?: OpenChannelOptions | null } = {},
): Promise<LightningNetwork> {
  const names = options.names ?? ['alice', 'bob'];
  const folder = temporaryFolder('lightning');
  const nodes = new Map<string, TestLightningNode>();

  async function addNodes(added: readonly string[]): Promise<TestLightningNode[]> {
    const started = await Promise.all(
      added.map((name) => startNode(regtest, name, join(folder.path, name))),
    );
    for (const node of started) nodes.set(node.name, node);
    for (const { client } of started) {
      const { address } = await client.call('new-address', {});
      await regtest.sendTo(address, ONCHAIN_SATS);
    }
    await mine(1);
    return started;
  }

  async function mine(blocks: number): Promise<void> {
    await regtest.mine(blocks);
    const height = await regtest.rpc.call<number>('getblockcount');
    await Promise.all(
      [...nodes.values()].filter((node) => node.pid > 0).map((node) => untilAt(node, height)),
    );
  }

  const network: LightningNetwork = {
    nodes,
    get(name) {
      const node = nodes.get(name);
      if (node === undefined) throw new Error(`there is no Lightning node ${name}`);
      return node;
    },
    async addNode(name) {
      const [node] = await addNodes([name]);
      if (node === undefined) throw new Error(`${name} was not started`);
      return node;
    },
    openChannel: (from, to, channel = {}) => openChannel({ from, to, mine, regtest }, channel),
    drain,
    mine,
    async stop() {
      await Promise.all([...nodes.values()].map((node) => node.stop()));
      folder.remove();
    },
  };
  const started = await addNodes(names);
  if (options.channels !== null) {
    for (const [i, from] of started.entries()) {
      const to = started[i + 1];
      if (to !== undefined) await network.openChannel(from, to, options.channels);
    }
  }
  return network;
}

async function startNode(
  regtest: Regtest,
  name: string,
  folder: string,
): Promise<TestLightningNode> {
  const { rpcUrl: url, rpcUser: user, rpcPassword: password } = regtest.node;
  const place: LightningNodePlace = {
    ...{ folder, alias: name, network: 'regtest', bitcoind: { url, user, password } },
  };
  const socketPath = lightningSocketOf(place);
  const client = connectNode({ socketPath });
  const node = createEmbeddedNode({ socketPath });
  let companion: Companion | undefined;
  const start = async (): Promise<void> => {
    companion = spawnLightningNode(place, quietLog);
    await untilListening(client, companion);
  };
  await start();
  const { nodeId } = await client.call('info', {});
  const gone = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const ending = companion;
    companion = undefined;
    if (ending === undefined) return;
    // A stopped process does not hear SIGTERM.
    ending.signal('SIGCONT');
    if (signal === 'SIGTERM') return stopLightningNode(ending);
    ending.signal('SIGKILL');
    await ending.exited;
  };
  return {
    ...{ name, nodeId, node, client, socketPath, place },
    get pid() {
      return companion?.pid ?? 0;
    },
    kill: () => gone('SIGKILL'),
    restart: start,
    stop: () => gone('SIGTERM'),
    freeze: () => companion?.signal('SIGSTOP'),
    thaw: () => companion?.signal('SIGCONT'),
    async setOnline(online) {
      await client.call('behave', { online });
    },
    async behave(behaviour) {
      await client.call('behave', behaviour);
    },
    async invoice({ amountMsat = 100_000n, expirySeconds = 3_600, withHints, description } = {}) {
      return client.call('create-invoice', {
        ...{ amountMsat: amountMsat === null ? null : String(amountMsat), expirySeconds },
        ...{ description: description ?? `invoice of ${name}`, withHints },
      });
    },
    async untilUsable(count = 1) {
      await until(`${count} usable channels of ${name}`, async () => {
        const channels = await client.call('channels', {});
        return channels.filter((channel) => channel.isActive).length >= count;
      });
    },
  };
}

async function untilListening(client: NodeClient, companion: Companion): Promise<void> {
  await until('a Lightning node', async () => {
    if (companion.hasExited()) throw new Error(`it has ended: ${companion.tail()}`);
    return client.call('info', {}).then(
      () => true,
      () => false,
    );
  });
}

async function untilAt({ client, name }: TestLightningNode, height: number): Promise<void> {
  await until(`${name} at height ${height}`, async () => {
    const { blockHeight } = await client.call('sync', {});
    return blockHeight >= height;
  });
}

async function openChannel(
  world: {
    from: TestLightningNode;
    to: TestLightningNode;
    mine: LightningNetwork['mine'];
    regtest: Regtest;
  },
  { capacitySats = 2_000_000n, pushSats = capacitySats / 2n, isPublic = false }: OpenChannelOptions,
): Promise<TestChannel> {
  const { from, to, mine, regtest } = world;
  const { listensOn } = await to.client.call('info', {});
  if (listensOn === null) throw new Error(`${to.name} takes no connections`);
  await from.client.call('connect-peer', { nodeId: to.nodeId, address: listensOn });
  await until(`${from.name} connected with ${to.name}`, async () => {
    const peers = await from.client.call('peers', {});
    return peers.some((peer) => peer.nodeId === to.nodeId && peer.isOnline);
  });
  const { channelId, fundingTxid } = await from.client.call('open-channel', {
    ...{ nodeId: to.nodeId, capacitySats: String(capacitySats), isPublic },
    pushMsat: String(pushSats * 1_000n),
  });
  // It is sent while we are told of it: a block that is mined at once might come first.
  await until(`the funding of ${from.name}'s channel`, async () => {
    const waiting = await regtest.rpc.call<string[]>('getrawmempool');
    return waiting.includes(fundingTxid);
  });
  // One block makes it usable; six let it be announced (BOLT7).
  await mine(isPublic ? 6 : 1);
  for (const side of [from, to]) {
    await until(`the channel at ${side.name}`, async () => {
      const channels = await side.client.call('channels', {});
      return channels.some(({ id, isActive }) => id === channelId && isActive);
    });
  }
  // A side that has seen fewer blocks than the other when its signatures came forgets them: each
  // later block lets both announce again.
  for (let i = 0; isPublic && i < 2; i++) await mine(1);
  return { id: channelId, from, to };
}

/** Each payment changes what the next one may be: fees and reserves are kept back. */
const DRAIN_ROUNDS = 8;

async function drain(
  from: TestLightningNode,
  to: TestLightningNode,
  leaveMsat: Msats = 0n,
): Promise<void> {
  for (let round = 0; round < DRAIN_ROUNDS; round++) {
    const channels = await from.node.channels();
    const between = channels.filter(({ peerId }) => peerId === to.nodeId);
    const sendableMsat = between.reduce((sum, channel) => sum + channel.sendableMsat, 0n);
    const amountMsat = sendableMsat - leaveMsat;
    if (amountMsat <= 0n) return;
    const preimage = randomBytes(32).toString('hex');
    const paymentHash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
    const outcome = await from.node.pay({
      destination: { keysendTo: to.nodeId, preimage },
      ...{ paymentHash, amountMsat, maxFeeMsat: 0n, timeoutMs: PATIENCE_MS, waitMs: PATIENCE_MS },
    });
    if (outcome.state !== 'succeeded') throw new Error(`not drained: ${JSON.stringify(outcome)}`);
  }
}

/** Looks again and again until it is so. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await sleep(POLL_MS);
  }
}
