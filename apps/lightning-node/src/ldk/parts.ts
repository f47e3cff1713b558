import { randomBytes } from 'node:crypto';
import { toHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import { type Bitcoind, type BlockRef, displayed, internal } from '../chain/bitcoind.ts';
import { type BlockListener, bringTo } from '../chain/follow.ts';
import { splitBlock } from '../chain/split-block.ts';
import type { LogStore } from '../state/log-store.ts';
import { unwrap } from './bindings.ts';
import {
  feeEstimator,
  type Guard,
  keyValueStore,
  LDK_PREFIX,
  ldkLogger,
  type NodeLog,
  signerProvider,
} from './callbacks.ts';
import { userConfig } from './config.ts';

export const MANAGER_KEY = `${LDK_PREFIX}manager`;
export const GRAPH_KEY = `${LDK_PREFIX}graph`;
export const SCORER_KEY = `${LDK_PREFIX}scorer`;
/** Where LDK's sweeper writes itself. */
const SWEEPER_KEY = `${LDK_PREFIX}//output_sweeper`;
/** A monitor is written whole after so many updates, and those are forgotten. */
const UPDATES_PER_MONITOR = 100n;

export type LdkParts = {
  readonly keys: ldk.KeysManager;
  readonly channels: ldk.ChannelManager;
  readonly monitors: ldk.ChainMonitor;
  readonly peers: ldk.PeerManager;
  readonly graph: ldk.NetworkGraph;
  readonly scorer: ldk.ProbabilisticScorer;
  readonly router: ldk.Router;
  readonly sweeper: ldk.OutputSweeper;
  readonly signer: ldk.NodeSigner;
  readonly entropy: ldk.EntropySource;
  /** In the order in which they are asked for events. */
  readonly eventSources: readonly ldk.EventsProvider[];
  readonly listener: BlockListener;
  /** Kept for as long as the node runs: WebAssembly refers to JavaScript's objects only weakly. */
  readonly kept: readonly object[];
  /** Our node id. */
  readonly ownId: string;
};

export type PartsOptions = {
  seed: Uint8Array;
  store: LogStore;
  chain: Bitcoind;
  tip: BlockRef & { timeSeconds: number };
  /** Where the money of closed channels goes: a P2WPKH script. */
  destination: Uint8Array;
  guard: Guard;
  log: NodeLog;
  nowMs: () => number;
  /** Gets what LDK wants to send to the chain. */
  broadcast: (transactions: readonly Uint8Array[]) => void;
};

/** Builds LDK's parts from what is stored, or new ones, and brings each to the chain's tip. */
export async function buildParts(options: PartsOptions): Promise<LdkParts> {
  const { store, chain, tip, nowMs } = options;
  const kept: object[] = [];
  const keep = <T extends object>(part: T): T => {
    kept.push(part);
    return part;
  };
  const base = buildBase(options, keep);
  const { logger, fees, broadcaster, keys, entropy, signer, provider, watch, graph } = base;
  const read = unwrap<ldk.TwoTuple_ThirtyTwoBytesChannelMonitorZ[]>(
    base.persister.read_all_channel_monitors_with_updates(),
    'reading the channel monitors',
  ).map((pair) => keep(pair).get_b());
  const stored = store.get(MANAGER_KEY);
  const config = userConfig({ isPublic: false });
  const channels = keep(
    stored === null
      ? newManager(base, { config, tip })
      : unwrap<ldk.TwoTuple_ThirtyTwoBytesChannelManagerZ>(
          ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelManagerZ_read(
            ...([stored, entropy, signer, provider, fees, watch, broadcaster] as const),
            ...([base.router, base.messages, logger, config, read] as const),
          ),
          'reading the channel manager',
        ).get_b(),
  );
  const { destination } = options;
  const sweeper = keep(buildSweeper(base, { store, destination, channels, keep }));
  // Each was written at a height of its own.
  for (const monitor of read) {
    const from = blockOf(monitor.current_best_block());
    await bringTo(chain, { from, tip }, monitorListener(monitor, base));
    if (!watch.watch_channel(monitor.get_funding_txo().get_a(), monitor).is_ok()) {
      throw new Error('a channel monitor was refused');
    }
  }
  const managerListener = listenerOf(keep(channels.as_Listen()));
  const sweeperListener = listenerOf(keep(sweeper.as_Listen()));
  const monitorsListener = listenerOf(keep(base.monitors.as_Listen()));
  await bringTo(chain, { from: blockOf(channels.current_best_block()), tip }, managerListener);
  await bringTo(chain, { from: blockOf(sweeper.current_best_block()), tip }, sweeperListener);
  const messaging = buildMessaging(base, { channels, keep, nowMs });
  return {
    ...{ keys, channels, monitors: base.monitors, graph, scorer: base.scorer, signer, entropy },
    ...{ router: base.router, sweeper, peers: messaging.peers, kept },
    ownId: toHex(channels.get_our_node_id()),
    eventSources: [
      keep(channels.as_EventsProvider()),
      keep(base.monitors.as_EventsProvider()),
      keep(messaging.onions.as_EventsProvider()),
    ],
    listener: all([managerListener, monitorsListener, sweeperListener]),
  };
}

type Keep = <T extends object>(part: T) => T;
type Base = ReturnType<typeof buildBase>;

/** What needs no channel: keys, store, logger, graph, router. */
function buildBase(options: PartsOptions, keep: Keep) {
  const { seed, store, guard, log, nowMs, broadcast, destination } = options;
  const logger = keep(ldkLogger(log, guard));
  const fees = keep(feeEstimator(guard));
  const broadcaster = keep(
    ldk.BroadcasterInterface.new_impl({
      broadcast_transactions: guard((transactions: Uint8Array[]) =>
        broadcast(transactions.map((transaction) => Uint8Array.from(transaction))),
      ),
    }),
  );
  const now = nowMs();
  // The two numbers only have to differ from those of every earlier start.
  const keys = keep(
    ldk.KeysManager.constructor_new(
      seed,
      BigInt(Math.floor(now / 1_000)),
      randomBytes(4).readUInt32LE() % 1_000_000_000,
    ),
  );
  const entropy = keep(keys.as_EntropySource());
  const signer = keep(keys.as_NodeSigner());
  const providers = signerProvider(keys, destination, guard);
  keep(providers.base);
  const provider = keep(providers.provider);
  const kv = keep(keyValueStore(store, guard));
  const persister = keep(
    ldk.MonitorUpdatingPersister.constructor_new(
      ...([keep(keyValueStore(store, guard)), logger, UPDATES_PER_MONITOR, entropy] as const),
      ...([provider, broadcaster, fees] as const),
    ),
  );
  const noFilter = ldk.Option_FilterZ.constructor_none();
  const persist = keep(persister.as_Persist());
  const monitors = keep(
    ldk.ChainMonitor.constructor_new(noFilter, broadcaster, logger, fees, persist),
  );
  const watch = keep(monitors.as_Watch());
  const { graph, scorer } = readGraph(store, logger);
  keep(graph);
  const lock = keep(ldk.MultiThreadedLockableScore.constructor_new(keep(keep(scorer).as_Score())));
  const parameters = ldk.ProbabilisticScoringFeeParameters.constructor_default();
  const router = keep(
    keep(
      ldk.DefaultRouter.constructor_new(
        ...([graph, logger, entropy, keep(lock.as_LockableScore()), parameters] as const),
      ),
    ).as_Router(),
  );
  const messages = keep(
    keep(ldk.DefaultMessageRouter.constructor_new(graph, entropy)).as_MessageRouter(),
  );
  return {
    ...{ logger, fees, broadcaster, keys, entropy, signer, provider, kv, persister, monitors },
    ...{ watch, graph, scorer, router, messages },
  };
}

function readGraph(store: LogStore, logger: ldk.Logger) {
  const storedGraph = store.get(GRAPH_KEY);
  const graph =
    storedGraph === null
      ? ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Regtest, logger)
      : unwrap<ldk.NetworkGraph>(
          ldk.NetworkGraph.constructor_read(storedGraph, logger),
          'reading the graph',
        );
  const decay = ldk.ProbabilisticScoringDecayParameters.constructor_default();
  const storedScorer = store.get(SCORER_KEY);
  const scorer =
    storedScorer === null
      ? ldk.ProbabilisticScorer.constructor_new(decay, graph, logger)
      : unwrap<ldk.ProbabilisticScorer>(
          ldk.ProbabilisticScorer.constructor_read(storedScorer, decay, graph, logger),
          'reading the scores',
        );
  return { graph, scorer };
}

function newManager(
  base: Base,
  { config, tip }: { config: ldk.UserConfig; tip: BlockRef & { timeSeconds: number } },
): ldk.ChannelManager {
  const best = ldk.BestBlock.constructor_new(internal(tip.hash), tip.height);
  return ldk.ChannelManager.constructor_new(
    ...([base.fees, base.watch, base.broadcaster, base.router, base.messages] as const),
    ...([base.logger, base.entropy, base.signer, base.provider, config] as const),
    ldk.ChainParameters.constructor_new(ldk.Network.LDKNetwork_Regtest, best),
    tip.timeSeconds,
  );
}

function buildSweeper(
  base: Base,
  options: {
    store: LogStore;
    destination: Uint8Array;
    channels: ldk.ChannelManager;
    keep: Keep;
  },
): ldk.OutputSweeper {
  const { keys, broadcaster, fees, kv, logger } = base;
  const change = options.keep(
    ldk.ChangeDestinationSource.new_impl({
      get_change_destination_script: () =>
        ldk.Result_CVec_u8ZNoneZ.constructor_ok(options.destination),
    }),
  );
  const noFilter = ldk.Option_FilterZ.constructor_none();
  const spender = options.keep(keys.as_OutputSpender());
  const stored = options.store.get(SWEEPER_KEY);
  if (stored === null) {
    return ldk.OutputSweeper.constructor_new(
      ...([options.channels.current_best_block(), broadcaster, fees, noFilter] as const),
      ...([spender, change, kv, logger] as const),
    );
  }
  return unwrap<ldk.TwoTuple_BestBlockOutputSweeperZ>(
    ldk.UtilMethods.constructor_C2Tuple_BestBlockOutputSweeperZ_read(
      ...([stored, broadcaster, fees, noFilter, spender, change, kv, logger] as const),
    ),
    'reading the sweeper',
  ).get_b();
}

function buildMessaging(
  base: Base,
  options: { channels: ldk.ChannelManager; keep: Keep; nowMs: () => number },
) {
  const { graph, logger, entropy, signer, messages } = base;
  const { channels, keep, nowMs } = options;
  const ignoring = keep(ldk.IgnoringMessageHandler.constructor_new());
  const noLookup = ldk.Option_UtxoLookupZ.constructor_none();
  const gossip = keep(ldk.P2PGossipSync.constructor_new(graph, noLookup, logger));
  const onions = keep(
    ldk.OnionMessenger.constructor_new(
      ...([entropy, signer, logger, keep(channels.as_NodeIdLookUp()), messages] as const),
      keep(channels.as_OffersMessageHandler()),
      keep(ignoring.as_AsyncPaymentsMessageHandler()),
      keep(ignoring.as_DNSResolverMessageHandler()),
      keep(ignoring.as_CustomOnionMessageHandler()),
    ),
  );
  const peers = keep(
    ldk.PeerManager.constructor_new(
      keep(channels.as_ChannelMessageHandler()),
      keep(gossip.as_RoutingMessageHandler()),
      keep(onions.as_OnionMessageHandler()),
      keep(ignoring.as_CustomMessageHandler()),
      Math.floor(nowMs() / 1_000),
      new Uint8Array(randomBytes(32)),
      logger,
      signer,
    ),
  );
  return { onions, peers };
}

const blockOf = (best: ldk.BestBlock): BlockRef => ({
  hash: displayed(best.get_block_hash()),
  height: best.get_height(),
});

const listenerOf = (listen: ldk.Listen): BlockListener => ({
  connected: (block, height) => listen.block_connected(block, height),
  disconnected: (header, height) => listen.block_disconnected(header, height),
});

function monitorListener(monitor: ldk.ChannelMonitor, base: Base): BlockListener {
  const { broadcaster, fees, logger } = base;
  return {
    connected(block, height) {
      const { header, transactions } = splitBlock(block);
      const indexed = transactions.map((bytes, index) =>
        ldk.TwoTuple_usizeTransactionZ.constructor_new(index, bytes),
      );
      monitor.block_connected(header, indexed, height, broadcaster, fees, logger);
    },
    disconnected: (header, height) =>
      monitor.block_disconnected(header, height, broadcaster, fees, logger),
  };
}

const all = (listeners: readonly BlockListener[]): BlockListener => ({
  connected(block, height) {
    for (const each of listeners) each.connected(block, height);
  },
  disconnected(header, height) {
    for (const each of listeners) each.disconnected(header, height);
  },
});
