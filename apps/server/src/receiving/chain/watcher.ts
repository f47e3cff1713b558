import type { Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { ADDRESSES_CHANNEL } from '../addresses/index.ts';
import { areOrdersDue, expireOrders } from '../payments/index.ts';
import { createBlockScanner } from './block-scanner.ts';
import { ChainHaltError, type ChainSource, type Doorbells } from './chain-source.ts';
import { checkNetwork, followStep, startCursor } from './follow-chain.ts';
import type { Followed } from './followers.ts';
import { atCursor, checkUnconfirmed, type MempoolDeps, takeInMempool } from './mempool.ts';
import { beginResync, type Resync } from './mempool-resync.ts';
import type { Cursor } from './store.ts';
import { createTransactionQueue, type Push } from './transaction-queue.ts';
import { loadWatchSet } from './watch-set.ts';

/** Even if every push is lost, blocks are looked for this often. */
const BLOCK_TICK_MS = 2_000;
/** New addresses are announced; this catches an announcement that was lost. */
const ADDRESS_TICK_MS = 10_000;
/** Unconfirmed transactions are checked at the node this often even if nothing was heard. */
const CHECK_TICK_MS = 30_000;
/** Without ZMQ the mempool is read this often. */
const POLL_MEMPOOL_MS = 2_000;
/** A busy mempool removes transactions all the time: checks are at least so far apart. */
const CHECK_PAUSE_MS = 250;
const EXPIRY_TICK_MS = 1_000;
/** The loop looks at its clock this often when nothing rings. */
const IDLE_MS = 250;
/** After a failure: pauses from the first to the second, doubling. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Pushed transactions that are scanned before blocks and timers are looked at again. */
const TRANSACTIONS_PER_TURN = 500;

export type WatcherStatus = {
  height: number | null;
  hash: string | null;
  nodeHeight: number | null;
  /** Blocks are taken in up to the node's tip and the mempool has been read. */
  live: boolean;
  mempoolRemaining: number | null;
  queued: number;
  lastTurnAtMs: number | null;
  /** Why it is not going on, in a sentence for a person. */
  problem: string | null;
  /** It will not go on by itself. */
  halted: boolean;
};

export type WatcherOptions = Followed & {
  network: Network;
  source: ChainSource;
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  /** Starts the node's pushes; called once. */
  startDoorbells(bells: Doorbells): { stop(): Promise<void> };
  /** Whether transactions are pushed; otherwise the mempool is polled. */
  pushesTransactions: boolean;
  startHeight?: number;
  /** Run before the first block and after every failure; throws ChainHaltError to refuse a node. */
  checkNode?(): Promise<void>;
  log: {
    info(o: object, m: string): void;
    warn(o: object, m: string): void;
    error(o: object, m: string): void;
  };
  /** Pushes were scanned; with the time from the first push to the commit if any mattered. */
  onTransactions?(count: number, detectMs: number | null): void;
  onBlocks?(connected: number, disconnected: number): void;
};

export type Watcher = { status(): WatcherStatus; stop(): Promise<void> };

/** Follows one chain and its mempool until it is stopped. One at a time may run for a database. */
export function startWatcher(options: WatcherOptions): Watcher {
  const { clock, database, source, log } = options;
  const status: WatcherStatus = {
    height: null,
    hash: null,
    nodeHeight: null,
    live: false,
    mempoolRemaining: null,
    queued: 0,
    lastTurnAtMs: null,
    problem: null,
    halted: false,
  };
  const flags = { block: true, addresses: true, resync: true, check: false };
  const queue = createTransactionQueue(() => {
    flags.resync = true;
    log.warn({}, 'the transaction queue overflowed; the mempool will be read anew');
  });
  let stopped = false;
  let recovering = false;
  let wake = () => {};

  const ring = (flag?: keyof typeof flags) => {
    if (flag !== undefined) flags[flag] = true;
    // A pause after a failure is not cut short by pushes, or they would hammer what is down.
    if (!recovering) wake();
  };
  const bells: Doorbells = {
    onTransaction(raw) {
      queue.push(raw, clock.nowMs());
      ring();
    },
    onBlock: () => ring('block'),
    onRemoval() {
      flags.check = true;
    },
    onGap(reason) {
      log.warn({ reason }, 'pushes of the node were missed; the mempool will be read anew');
      flags.block = true;
      ring('resync');
    },
  };

  async function run(): Promise<void> {
    const unlisten = await retry(() =>
      database.listen(ADDRESSES_CHANNEL, {
        message: () => ring('addresses'),
        gap() {
          flags.addresses = true;
          ring('resync');
        },
      }),
    );
    const doorbells = options.startDoorbells(bells);
    let pauseMs = FIRST_RETRY_MS;
    while (!stopped) {
      try {
        await watch(() => {
          pauseMs = FIRST_RETRY_MS;
        });
      } catch (error) {
        status.live = false;
        status.problem = error instanceof Error ? error.message : String(error);
        if (error instanceof ChainHaltError) status.halted = true;
        if (stopped) break;
        log.error({ err: error }, 'the chain watcher stumbled and begins anew');
        recovering = true;
        await idle(status.halted ? LAST_RETRY_MS : pauseMs);
        recovering = false;
        pauseMs = Math.min(LAST_RETRY_MS, pauseMs * 2);
      }
    }
    await doorbells.stop();
    await unlisten?.();
  }

  async function retry<T>(work: () => Promise<T>): Promise<T | undefined> {
    while (!stopped) {
      try {
        return await work();
      } catch (error) {
        status.problem = error instanceof Error ? error.message : String(error);
        await idle(LAST_RETRY_MS);
      }
    }
    return undefined;
  }

  /** Everything from a fresh reading of the database on; a failure leads back here. */
  async function watch(onTurn: () => void): Promise<void> {
    await checkNetwork(source, options.network);
    await options.checkNode?.();
    flags.block = flags.addresses = flags.resync = true;
    const loaded = await loadWatchSet(database, options);
    const blocks = createBlockScanner({ source, clock, watch: loaded });
    const follow = { ...options, watch: loaded, blocks };
    const state: TurnState = {
      cursor: await startCursor(follow, options.startHeight),
      resync: null,
      polled: null,
      nextBlockMs: 0,
      nextAddressesMs: 0,
      checkedAtMs: 0,
      nextCheckMs: clock.nowMs() + CHECK_TICK_MS,
      nextExpiryMs: 0,
      nextPollMs: 0,
      scannedFor: loaded.scripts.additions,
    };
    const mempool: MempoolDeps = { ...follow, cursor: () => state.cursor };
    log.info({ height: state.cursor.height, scripts: loaded.scripts.size }, 'watching the chain');
    try {
      while (!stopped) {
        await turn(state, mempool);
        status.halted = false;
        status.problem = null;
        onTurn();
        if (!hasWork(state)) await idle(IDLE_MS);
      }
    } finally {
      blocks.want([]);
    }
  }

  function hasWork(state: TurnState): boolean {
    const flagged = flags.block || flags.addresses || flags.resync || isCheckDue(state);
    return flagged || queue.length > 0 || state.resync !== null;
  }

  function isCheckDue(state: TurnState): boolean {
    return flags.check && Math.abs(clock.nowMs() - state.checkedAtMs) >= CHECK_PAUSE_MS;
  }

  /** One round: what rings first, then the mempool, then what the clock asks for. */
  async function turn(state: TurnState, mempool: MempoolDeps): Promise<void> {
    const nowMs = clock.nowMs();
    if (flags.block || due(state, 'nextBlockMs', nowMs, BLOCK_TICK_MS)) {
      await followToTip(state, mempool);
    }
    await takeInPushes(state, mempool, nowMs);
    await readMempool(state, mempool, nowMs);
    if (isCheckDue(state) || due(state, 'nextCheckMs', nowMs, CHECK_TICK_MS)) {
      flags.check = false;
      state.checkedAtMs = nowMs;
      if (!(await checkUnconfirmed(mempool))) flags.check = true;
    }
    // A removal that waits to be looked into is everyday; it holds up expiries, not readiness.
    status.live = state.resync === null && !flags.resync && !flags.block;
    status.queued = queue.length;
    status.mempoolRemaining = state.resync?.remaining() ?? null;
    status.lastTurnAtMs = clock.nowMs();
    const current = status.live && !flags.check && queue.length === 0;
    if (current && due(state, 'nextExpiryMs', nowMs, EXPIRY_TICK_MS)) await expire(mempool);
  }

  /**
   * Scans what was pushed. Addresses that became known since are looked for in what was scanned
   * just before, too: the news of them and the payment travel on different connections.
   */
  async function takeInPushes(state: TurnState, mempool: MempoolDeps, nowMs: number) {
    let again: readonly Push[] = [];
    if (flags.addresses || due(state, 'nextAddressesMs', nowMs, ADDRESS_TICK_MS)) {
      flags.addresses = false;
      await mempool.watch.refresh();
    }
    // Whoever took the addresses in, blocks or the mempool may have been first.
    const { additions } = mempool.watch.scripts;
    if (additions !== state.scannedFor) again = queue.recent();
    state.scannedFor = additions;
    const pushed = queue.take(TRANSACTIONS_PER_TURN);
    if (pushed.length === 0 && again.length === 0) return;
    const touching = await takeInMempool(mempool, [...again, ...pushed]);
    const oldestMs = pushed[0]?.seenAtMs;
    const detectMs = touching > 0 && oldestMs !== undefined ? clock.nowMs() - oldestMs : null;
    options.onTransactions?.(pushed.length, detectMs);
  }

  async function followToTip(state: TurnState, mempool: MempoolDeps): Promise<void> {
    flags.block = false;
    for (;;) {
      const step = await followStep(mempool, state.cursor);
      if (step === null) break;
      state.cursor = step.cursor;
      if (step.connected === 0 && step.disconnected === 0) {
        // The node went to another branch while it was asked; it is asked again.
        flags.block = true;
        return;
      }
      options.onBlocks?.(step.connected, step.disconnected);
      if (step.disconnected > 0) {
        // What was passed over because a block contradicted it may be valid now.
        flags.resync = true;
        flags.check = true;
        log.warn({ ...step }, 'the chain was reorganised');
      } else log.info({ height: step.cursor.height, blocks: step.connected }, 'blocks taken in');
      status.height = step.cursor.height;
      status.nodeHeight = step.tipHeight;
      if (stopped) return;
    }
    status.height = state.cursor.height;
    status.hash = state.cursor.hash;
    status.nodeHeight = state.cursor.height;
  }

  async function readMempool(state: TurnState, mempool: MempoolDeps, nowMs: number): Promise<void> {
    const poll = !options.pushesTransactions && due(state, 'nextPollMs', nowMs, POLL_MEMPOOL_MS);
    // A reading that goes on is finished first, or a flood of gaps would begin it for ever.
    if (flags.resync && state.resync === null) {
      flags.resync = false;
      // What waits was pushed before the reading that now begins and could undo what it shows.
      queue.clear();
      state.polled = null;
      state.resync = await beginMempoolReading(state, mempool);
    } else if (poll && state.resync === null) {
      state.resync = await beginMempoolReading(state, mempool);
    }
    if (state.resync === null) return;
    const more = await state.resync.step();
    if (more) return;
    state.resync = null;
    state.checkedAtMs = 0;
    flags.check = true;
  }

  async function beginMempoolReading(state: TurnState, mempool: MempoolDeps): Promise<Resync> {
    const reading = await beginResync(mempool, state.polled);
    if (!options.pushesTransactions) state.polled = new Set(reading.txids);
    if (reading.total > 0) log.info({ transactions: reading.total }, 'reading the mempool');
    return reading;
  }

  async function expire(mempool: MempoolDeps): Promise<void> {
    if (!(await database.asSystem((tx) => areOrdersDue(tx, clock.nowMs())))) return;
    while (await atCursor(mempool, expireOrders)) if (stopped) return;
  }

  function idle(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (stopped) wake();
    });
  }

  const running = run();
  return {
    status: () => ({ ...status, queued: queue.length }),
    async stop() {
      stopped = true;
      wake();
      await running;
    },
  };
}

type Timer = 'nextBlockMs' | 'nextAddressesMs' | 'nextCheckMs' | 'nextExpiryMs' | 'nextPollMs';
type TurnState = {
  cursor: Cursor;
  resync: Resync | null;
  polled: ReadonlySet<string> | null;
  checkedAtMs: number;
  /** How many addresses were known when pushes were scanned last. */
  scannedFor: number;
} & {
  [T in Timer]: number;
};

/** Whether a timer is over; if so it is set anew. A clock that jumped back does not stop it. */
function due(state: TurnState, timer: Timer, nowMs: number, everyMs: number): boolean {
  const next = state[timer];
  if (nowMs < next && next - nowMs <= everyMs) return false;
  state[timer] = nowMs + everyMs;
  return true;
}
