import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import { type Bitcoind, type BlockRef, displayed, tipOf } from './chain/bitcoind.ts';
import { type ChainFollower, followChain } from './chain/follow.ts';
import type { NodeContext } from './context.ts';
import { RequestError } from './errors.ts';
import { dispatch } from './events.ts';
import { forgetReferences, LdkError } from './ldk/bindings.ts';
import { createGuard, type NodeLog } from './ldk/callbacks.ts';
import { buildParts, GRAPH_KEY, type LdkParts, MANAGER_KEY, SCORER_KEY } from './ldk/parts.ts';
import { type Channels, createChannels, onlinePeers } from './money/channels.ts';
import { createInvoices, type Invoices } from './money/invoices.ts';
import { createPayments, type Payments } from './money/payments.ts';
import { type FundingWallet, openWallet } from './money/wallet.ts';
import { keepConnected } from './peers/reconnect.ts';
import { createTransport, type PeerTransport } from './peers/tcp.ts';
import { createGate, type Gate } from './state/gate.ts';
import { type LogStore, openLogStore } from './state/log-store.ts';
import { openRecords, type Records } from './state/records.ts';

/** LDK's own advice for each of these. */
const PEER_TICK_MS = 10_000;
const REBROADCAST_MS = 30_000;
const MANAGER_TICK_MS = 60_000;
/** What the network looks like can be learned again: it is written now and then. */
const GRAPH_MS = 60_000;
/** Deadlines of payments and held invoices are looked at so often. */
const DEADLINE_MS = 100;
/**
 * A transaction is sent again while the chain's node is away, up to a minute. LDK by itself repeats
 * only those that claim something back.
 */
const MAX_BROADCASTS = 60;
const BROADCAST_PAUSE_MS = 1_000;
const NOBODY: ReadonlyMap<string, string> = new Map();
/** An orange node. */
const COLOR = Uint8Array.of(0xf7, 0x93, 0x1a);
const ALIAS_BYTES = 32;

export type NodeOptions = {
  folder: string;
  seed: Uint8Array;
  alias: string;
  chain: Bitcoind;
  listenHost: string;
  log: NodeLog;
  nowMs: () => number;
  /** Hears of each new event of the journal, once it is durable. */
  onEvent: (cursor: number) => void;
  /** The state in memory can not be trusted any more: ends the process. */
  die: (error: unknown) => never;
};

export interface RunningNode {
  readonly context: NodeContext;
  readonly invoices: Invoices;
  readonly payments: Payments;
  readonly channels: Channels;
  readonly wallet: FundingWallet;
  readonly follower: ChainFollower;
  readonly alias: string;
  listensOn(): string | null;
  peers(): { nodeId: string; isOnline: boolean; address: string | null }[];
  disconnectPeer(nodeId: string): void;
  setOnline(online: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Starts LDK on what is in the folder, at the chain's tip, listening to peers. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { folder, chain, log, nowMs, die } = options;
  const store = openLogStore(folder);
  let parts: LdkParts | undefined;
  const gate = createGate({
    store,
    snapshot: (hasStaged) => {
      if (parts === undefined) return;
      const isNewer = parts.channels.get_and_clear_needs_persistence();
      if (hasStaged || isNewer) store.put(MANAGER_KEY, parts.channels.write());
    },
    onFailure: die,
  });
  const records = openRecords(store, {
    onEvent: (cursor) => gate.after(() => options.onEvent(cursor)),
    nowMs,
  });
  const { wallet, destination } = await openFunding({ store, gate, chain, log });
  const built = await buildParts({
    ...{ store, chain, destination, log, nowMs },
    ...{ seed: options.seed, tip: await tipOf(chain), guard: createGuard(die) },
    broadcast: (transactions) => gate.after(() => void send(chain, log, transactions)),
  });
  parts = built;
  store.put(MANAGER_KEY, built.channels.write());
  await gate.drained();
  return runNode({ ...options, built, store, gate, records, wallet });
}

async function runNode(
  options: NodeOptions & {
    built: LdkParts;
    store: LogStore;
    gate: Gate;
    records: Records;
    wallet: FundingWallet;
  },
): Promise<RunningNode> {
  const { built, store, gate, records, wallet, chain, log, nowMs, die } = options;
  const enter = createEnter(die);
  let isStopped = false;
  let isAwake = false;
  const wake = (): void => {
    if (isAwake || isStopped) return;
    isAwake = true;
    setImmediate(() => {
      isAwake = false;
      if (!isStopped) work();
    });
  };
  const context: NodeContext = {
    ...{ parts: built, records, gate, log, nowMs, wake, enter },
    height: () => built.channels.current_best_block().get_height(),
  };
  const invoices = createInvoices(context);
  const payments = createPayments(context);
  const channels = createChannels(context, { wallet, isOpen: payments.isOpen });
  const handler = ldk.EventHandler.new_impl({
    handle_event: createGuard(die)((event: ldk.Event) => {
      dispatch(event, { context, invoices, payments, channels });
      return ldk.Result_NoneReplayEventZ.constructor_ok();
    }),
  });

  /** Events, then messages to peers, then the commit that lets them go. */
  function work(): void {
    enter(() => {
      for (const source of built.eventSources) {
        source.process_pending_events(handler);
        forgetReferences(source, 1);
      }
      built.peers.process_events();
    });
    gate.flush();
  }

  const transport = createTransport({ manager: built.peers, gate, wake, enter });
  const network = createNetwork({ ...options, context, transport });
  const follower = followChain({
    ...{ chain, nowMs, listener: guardedListener(built.listener, enter) },
    from: bestOf(built),
    onBlocks: () => {
      invoices.releaseOverdue();
      enter(() => announce(built, options.alias));
      wake();
    },
    onError: (error) => log('debug', `the chain's node: ${String(error)}`),
  });
  if (records.settings().online) await network.up();
  const timers = startTimers({ context, store, invoices, payments });
  wake();
  return {
    ...{ context, invoices, payments, channels, wallet, follower, alias: options.alias },
    listensOn: network.listensOn,
    peers: () => enter(() => peersOf(built, records)),
    disconnectPeer(nodeId) {
      records.putPeer(nodeId, null);
      enter(() => built.peers.disconnect_by_node_id(Buffer.from(nodeId, 'hex')));
      wake();
    },
    async setOnline(online) {
      records.putSettings({ online });
      await (online ? network.up() : network.down());
      wake();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await follower.stop();
      await network.down();
      work();
      isStopped = true;
      saveGraph(built, store);
      await gate.drained();
      await store.close();
    },
  };
}

/** A trap leaves WebAssembly's memory in an unknown state: the process ends, the log is right. */
function createEnter(die: (error: unknown) => never): NodeContext['enter'] {
  return (run) => {
    try {
      return run();
    } catch (error) {
      if (error instanceof RequestError || error instanceof LdkError) throw error;
      return die(error);
    }
  };
}

async function openFunding(options: {
  store: LogStore;
  gate: Gate;
  chain: Bitcoind;
  log: NodeLog;
}): Promise<{ wallet: FundingWallet; destination: Uint8Array }> {
  const { store, gate, chain, log } = options;
  const text = new TextDecoder();
  let name = store.get('wallet');
  if (name === null) {
    name = Buffer.from(`lightning-${randomBytes(6).toString('hex')}`);
    store.put('wallet', name);
    await gate.drained();
  }
  const wallet = await openWallet(chain, text.decode(name), log);
  let destination = store.get('destination');
  if (destination === null) {
    destination = await wallet.destination();
    store.put('destination', destination);
  }
  return { wallet, destination };
}

async function send(
  chain: Bitcoind,
  log: NodeLog,
  transactions: readonly Uint8Array[],
): Promise<void> {
  for (const transaction of transactions) {
    for (let tries = 0; tries < MAX_BROADCASTS; tries++) {
      const isDone = await chain.call('sendrawtransaction', toHex(transaction)).then(
        () => true,
        (error: unknown) => {
          // A refusal is an answer: LDK also sends what another transaction made impossible.
          log('debug', `a transaction was not taken: ${String(error)}`);
          return !(error instanceof RequestError && error.code === 'chain_unreachable');
        },
      );
      if (isDone) break;
      await sleep(BROADCAST_PAUSE_MS);
    }
  }
}

function bestOf({ channels }: LdkParts): BlockRef {
  const best = channels.current_best_block();
  return { hash: displayed(best.get_block_hash()), height: best.get_height() };
}

function guardedListener(
  listener: LdkParts['listener'],
  enter: NodeContext['enter'],
): LdkParts['listener'] {
  return {
    connected: (block, height) => enter(() => listener.connected(block, height)),
    disconnected: (header, height) => enter(() => listener.disconnected(header, height)),
  };
}

/** Others forward over public channels only when their node has introduced itself (BOLT7). */
function announce({ channels, peers }: LdkParts, alias: string): void {
  if (!channels.list_channels().some((channel) => channel.get_is_announced())) return;
  const name = new Uint8Array(ALIAS_BYTES);
  name.set(new TextEncoder().encode(alias).subarray(0, ALIAS_BYTES));
  peers.broadcast_node_announcement(COLOR, name, []);
}

function peersOf(parts: LdkParts, records: Records): ReturnType<RunningNode['peers']> {
  const online = onlinePeers(parts);
  const known = records.peers();
  return [...new Set([...online, ...known.keys()])].map((nodeId) => ({
    ...{ nodeId, isOnline: online.has(nodeId), address: known.get(nodeId) ?? null },
  }));
}

function saveGraph({ graph, scorer }: LdkParts, store: LogStore): void {
  store.put(GRAPH_KEY, graph.write());
  store.put(SCORER_KEY, scorer.write());
}

function startTimers(options: {
  context: NodeContext;
  store: LogStore;
  invoices: Invoices;
  payments: Payments;
}): NodeJS.Timeout[] {
  const { context, store, invoices, payments } = options;
  const { parts, enter, wake } = context;
  const every = (ms: number, run: () => void): NodeJS.Timeout =>
    setInterval(() => {
      enter(run);
      wake();
    }, ms);
  return [
    every(PEER_TICK_MS, () => parts.peers.timer_tick_occurred()),
    every(REBROADCAST_MS, () => parts.monitors.rebroadcast_pending_claims()),
    every(MANAGER_TICK_MS, () => parts.channels.timer_tick_occurred()),
    every(GRAPH_MS, () => saveGraph(parts, store)),
    setInterval(() => {
      payments.stopOverdue();
      invoices.releaseOverdue();
    }, DEADLINE_MS),
  ];
}

/** Peers: listening, connecting again, and neither when the node is to be offline. */
function createNetwork(options: {
  context: NodeContext;
  transport: PeerTransport;
  listenHost: string;
  nowMs: () => number;
  log: NodeLog;
}): { up(): Promise<void>; down(): Promise<void>; listensOn(): string | null } {
  const { context, transport, listenHost, nowMs, log } = options;
  const { records, parts } = context;
  let port: number | null = null;
  let keeper: { stop(): void } | undefined;

  async function listen(): Promise<number> {
    const wanted = records.settings().listenPort;
    try {
      return await transport.listen(listenHost, wanted ?? 0);
    } catch (error) {
      // Somebody else took the port while we were gone. Peers that know it only will not find us.
      log('warn', `port ${wanted} is taken: ${String(error)}`);
      return transport.listen(listenHost, 0);
    }
  }

  return {
    async up() {
      if (port !== null) return;
      port = await listen();
      records.putSettings({ listenPort: port });
      keeper = keepConnected({
        ...{ transport, nowMs, log },
        missing: () => {
          if (records.peers().size === 0) return NOBODY;
          const online = context.enter(() => onlinePeers(parts));
          return new Map([...records.peers()].filter(([nodeId]) => !online.has(nodeId)));
        },
      });
    },
    async down() {
      keeper?.stop();
      keeper = undefined;
      if (port === null) return;
      port = null;
      await transport.close();
    },
    listensOn: () => (port === null ? null : `${listenHost}:${port}`),
  };
}
