import { displayHash, parseHeader, scanBlock } from '@quittance/bitcoin';
import type { Clock } from '@quittance/kernel';
import { ChainHaltError, type ChainSource } from './chain-source.ts';
import type { ChainBlock, Cursor } from './store.ts';
import { coinsOf, type FoundTransaction, foundTransaction } from './take-in.ts';
import type { WatchSet } from './watch-set.ts';

/** Blocks that are read at once: the node reads them faster than we scan, up to about here. */
const MAX_READS = 4;
/** Raw blocks in memory, being read or waiting to be scanned: 48 MB of the largest. */
const MAX_RAW_BLOCKS = 12;
/** So many wait for each other while more are coming: the new addresses are asked for but once. */
const SCANNED_TOGETHER = 4;
/** Memory for blocks comes in such pieces, so that it fits the next block too. */
const ROOM_BYTES = 1024 * 1024;
/**
 * What is taken at once, if there are so many: a reorganisation of everyday depth becomes one
 * transaction, and a block's effects do not each wait for the disk while catching up.
 */
const FEWEST_AT_ONCE = 24;
/** Found transactions that wait to be taken; beyond them nothing is read ahead. */
const MAX_WAITING = { transactions: 1_000, bytes: 32 * 1024 * 1024 };

/** A block of the active chain with what in it touches the watch set. */
export type ScannedBlock = { block: ChainBlock; found: FoundTransaction[] };

/**
 * Reads blocks and scans them as they come, also ahead of their use, so that neither the node nor
 * we stand still while the effects of earlier ones are being committed.
 */
export type BlockScanner = {
  /**
   * Begins to read and scan these blocks, a chain of them in its order. What was wanted before and
   * is not among them is forgotten.
   */
  want(chain: readonly Cursor[]): void;
  /**
   * The first of the wanted blocks: as many as have been scanned, at least FEWEST_AT_ONCE or all.
   * They are not wanted any more.
   * @throws what made one of those FEWEST_AT_ONCE unreadable
   */
  take(): Promise<ScannedBlock[]>;
};

type Wanted = Cursor & {
  begun: boolean;
  arrived: Arrived | null;
  scanned: ScannedBlock | null;
  failure: { error: unknown } | null;
  /** The watch set's `spendsVersion` when it was scanned. */
  version: number;
};

type Arrived = {
  raw: Uint8Array;
  /** Where it lies, to be used again; null where the source made its own. */
  room: Uint8Array | null;
  /** The addresses were read after it. */
  scannable: boolean;
};

export function createBlockScanner(deps: {
  source: Pick<ChainSource, 'rawBlock'>;
  watch: WatchSet;
  clock: Clock;
}): BlockScanner {
  const { source, watch, clock } = deps;
  let wanted: Wanted[] = [];
  let reading = 0;
  let rawBlocks = 0;
  let scanning = false;
  // Fresh megabytes for every block would keep the garbage collector as busy as the scanner.
  let spare: Uint8Array[] = [];
  let wake = () => {};

  /** Begins to read as many as there is room for, in their order. */
  function fill(): void {
    let transactions = 0;
    let bytes = 0;
    for (const [at, each] of wanted.entries()) {
      if (reading >= MAX_READS || rawBlocks >= MAX_RAW_BLOCKS) return;
      // What lies behind a block that can't be read is of no use.
      if (each.failure !== null) return;
      for (const { raw } of each.scanned?.found ?? []) {
        transactions += 1;
        bytes += raw.length;
      }
      const full = transactions > MAX_WAITING.transactions || bytes > MAX_WAITING.bytes;
      if (full && at >= FEWEST_AT_ONCE) return;
      if (!each.begun) read(each);
    }
  }

  function read(each: Wanted): void {
    each.begun = true;
    reading += 1;
    rawBlocks += 1;
    let room: Uint8Array | null = null;
    const roomFor = (length: number) => {
      room = takeRoom(length);
      return room.subarray(0, length);
    };
    source.rawBlock(each.hash, roomFor).then(
      (raw) => {
        reading -= 1;
        if (wanted.includes(each)) each.arrived = { raw, room, scannable: false };
        else release(room);
        fill();
        void scanArrived();
      },
      (error: unknown) => {
        reading -= 1;
        rawBlocks -= 1;
        fail(each, error);
        void scanArrived();
      },
    );
  }

  function release(room: Uint8Array | null): void {
    rawBlocks -= 1;
    if (room !== null && wanted.length > 0) spare.push(room);
  }

  function letGo(each: Wanted): void {
    if (each.arrived !== null) release(each.arrived.room);
    each.arrived = null;
  }

  function takeRoom(length: number): Uint8Array {
    const room = spare.pop();
    if (room !== undefined && room.length >= length) return room;
    return new Uint8Array(Math.ceil(length / ROOM_BYTES) * ROOM_BYTES);
  }

  async function scanArrived(): Promise<void> {
    if (scanning) return;
    scanning = true;
    for (;;) {
      const batch = wanted.filter(({ arrived }) => arrived?.scannable === false);
      if (batch.length < SCANNED_TOGETHER && (batch.length === 0 || reading > 0)) break;
      const raws = batch.flatMap(({ arrived }) => arrived ?? []);
      // Whoever paid an address has got it from an order that was committed before: addresses that
      // are read after the blocks were read are all that these blocks can pay.
      const refusal = await watch.refresh().then(
        () => null,
        (error: unknown) => ({ error }),
      );
      if (refusal === null) for (const raw of raws) raw.scannable = true;
      else
        for (const each of batch) {
          letGo(each);
          fail(each, refusal.error);
        }
      scanInOrder();
      wake();
    }
    scanning = false;
  }

  /** A block may spend a coin that one before it has made, so none is scanned before that one. */
  function scanInOrder(): void {
    for (const each of wanted) {
      if (each.scanned !== null) continue;
      if (each.arrived?.scannable !== true) return;
      try {
        each.version = watch.spendsVersion;
        each.scanned = scan(each, each.arrived.raw, { watch, clock });
      } catch (error) {
        fail(each, error);
      }
      letGo(each);
      fill();
      if (each.failure !== null) return;
    }
  }

  function fail(each: Wanted, error: unknown): void {
    each.failure = { error };
    fill();
    wake();
  }

  /** Coins that are watched only since may be spent in blocks: they have to be read again. */
  function forgetStale(): void {
    const isStale = ({ scanned, version }: Wanted) =>
      scanned !== null && version !== watch.spendsVersion;
    const from = wanted.findIndex(isStale);
    if (from < 0) return;
    // What has arrived behind it goes too, or it would leave no room for what comes before.
    for (const each of wanted.slice(from)) {
      if (each.scanned === null && each.arrived === null) continue;
      letGo(each);
      each.scanned = null;
      each.begun = false;
    }
  }

  return {
    want(chain) {
      const before = wanted;
      // What could not be read is asked for again.
      const kept = before.filter(({ failure }) => failure === null);
      const known = new Map(kept.map((each) => [each.hash, each]));
      wanted = chain.map((place) => known.get(place.hash) ?? newlyWanted(place));
      for (const each of before) if (!wanted.includes(each)) letGo(each);
      if (wanted.length === 0) spare = [];
      fill();
    },
    async take() {
      for (;;) {
        forgetStale();
        fill();
        const blocks = readyOf(wanted);
        const needed = Math.min(FEWEST_AT_ONCE, wanted.length);
        if (blocks.length >= needed) {
          wanted = wanted.slice(blocks.length);
          if (wanted.length === 0) spare = [];
          fill();
          return blocks;
        }
        const failed = wanted.slice(0, needed).find(({ failure }) => failure !== null);
        if (failed?.failure) throw failed.failure.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function newlyWanted({ height, hash }: Cursor): Wanted {
  return { height, hash, begun: false, arrived: null, scanned: null, failure: null, version: 0 };
}

/** What is scanned up to the first that is not. */
function readyOf(wanted: readonly Wanted[]): ScannedBlock[] {
  const blocks: ScannedBlock[] = [];
  for (const { scanned } of wanted) {
    if (scanned === null) break;
    blocks.push(scanned);
  }
  return blocks;
}

/** A block's place in the chain, from its header. */
export function blockOf(height: number, hash: string, raw: Uint8Array): ChainBlock {
  const header = parseHeader(raw);
  if (displayHash(header.hash) !== hash) {
    throw new ChainHaltError(`the node gave another block than ${hash} at height ${height}`);
  }
  return { height, hash, prevHash: displayHash(header.prevHash), timeMs: header.time * 1_000 };
}

function scan(
  { height, hash }: Cursor,
  raw: Uint8Array,
  { watch, clock }: { watch: WatchSet; clock: Clock },
): ScannedBlock {
  const block = blockOf(height, hash, raw);
  const found: FoundTransaction[] = [];
  // Seen first in a block: it was broadcast before the block was made. A miner's clock may be
  // ahead of ours, never is something seen in the future.
  const firstSeenAtMs = Math.min(clock.nowMs(), block.timeMs);
  scanBlock(raw, watch, (match) => {
    const each = foundTransaction(raw, match, { block: { height, hash }, firstSeenAtMs });
    // At once: the coin may be spent further down in this block, or in the next one.
    watch.watchMade(coinsOf(each));
    found.push(each);
  });
  return { block, found };
}
