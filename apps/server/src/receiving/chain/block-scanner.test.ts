import { createHash } from 'node:crypto';
import {
  displayHash,
  OutpointTable,
  outpointBytes,
  parseHash,
  parseHeader,
  ScriptTable,
} from '@quittance/bitcoin';
import { expect, test } from 'vitest';
import { createBlockScanner, type ScannedBlock } from './block-scanner.ts';
import { ChainHaltError, type Room } from './chain-source.ts';
import type { WatchSet } from './watch-set.ts';

const PAID = Uint8Array.of(0, 20, ...new Uint8Array(20).fill(7));
const COIN = new Uint8Array(32).fill(9);
const random = (target: Uint8Array) => target.fill(0x5c);
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A block of one transaction, which spends a coin and pays a script; its number makes it unique. */
function rawBlock(
  number: number,
  { transactions = 1, scriptBytes = 0, spends = COIN, script = PAID } = {},
): Uint8Array {
  const input = [...spends, number % 256, 0, 0, 0, 0, 255, 255, 255, 255];
  const value = [100, 0, 0, 0, 0, 0, 0, 0];
  const length = Buffer.alloc(scriptBytes === 0 ? 1 : 5);
  if (scriptBytes > 0) length.writeUInt32LE(scriptBytes, length.writeUInt8(0xfe));
  const one = Buffer.concat([
    Uint8Array.of(2, 0, 0, 0, 1, ...input, 2, ...value, script.length, ...script, ...value),
    length,
    new Uint8Array(scriptBytes + 4),
  ]);
  const header = Buffer.alloc(80);
  header.writeUInt32LE(number);
  // A count below 253 is written in one byte.
  const all = Array.from({ length: transactions }, () => one);
  return Uint8Array.from(Buffer.concat([header, Uint8Array.of(transactions), ...all]));
}

/** Blocks whose answers come when the test lets them, and a watch set over a list of addresses. */
function surroundings(blocks: readonly Uint8Array[]) {
  const chain = blocks.map((raw, i) => ({
    height: i + 1,
    hash: displayHash(parseHeader(raw).hash),
  }));
  const rawOf = new Map(chain.map(({ hash }, i) => [hash, blocks[i] ?? new Uint8Array()]));
  const asked: number[] = [];
  const pending = new Map<number, { answer(): void; fail(): void }>();
  const derived: Uint8Array[] = [];
  const scripts = new ScriptTable({ random });
  const outpoints = new OutpointTable({ random });
  let spendsVersion = 0;
  const state = { refreshes: 0, held: Promise.resolve() };
  const watch: WatchSet = {
    scripts,
    outpoints,
    get spendsVersion() {
      return spendsVersion;
    },
    async refresh() {
      state.refreshes += 1;
      const known = [...derived];
      await state.held;
      for (const script of known) scripts.add(script, 1);
    },
    watchSpends(spends) {
      for (const { vout } of spends) outpoints.add(outpointBytes(COIN, vout), 0);
      spendsVersion += 1;
    },
    watchMade(coins) {
      for (const { txid, vout } of coins) outpoints.add(outpointBytes(parseHash(txid), vout), 0);
    },
    tidy: () => Promise.resolve(),
  };
  const source = {
    rawBlock(hash: string, room?: Room): Promise<Uint8Array> {
      const raw = rawOf.get(hash) ?? new Uint8Array();
      const height = chain.find((each) => each.hash === hash)?.height ?? 0;
      asked.push(height);
      return new Promise((resolve, reject) => {
        pending.set(height, {
          answer() {
            const place = room?.(raw.length) ?? new Uint8Array(raw.length);
            place.set(raw);
            resolve(place);
          },
          fail: () => reject(new Error(`no block ${height}`)),
        });
      });
    },
  };
  const scanner = createBlockScanner({ source, watch, clock: { nowMs: () => 0 } });
  async function answer(...heights: number[]): Promise<void> {
    for (const height of heights) pending.get(height)?.answer();
    await settle();
  }
  /** Answers whatever is asked for until nothing more is. */
  async function answerAll(): Promise<void> {
    for (let done = 0; done < asked.length; ) {
      const next = asked.slice(done);
      done = asked.length;
      await answer(...next);
      await settle();
    }
  }
  return { chain, asked, pending, derived, watch, scanner, state, answer, answerAll };
}

const several = (count: number) => Array.from({ length: count }, (_, i) => rawBlock(i));
const heightsOf = (blocks: readonly ScannedBlock[]) => blocks.map(({ block }) => block.height);
const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);

test('blocks come in the order of the chain, whatever the order of the answers', async () => {
  const { chain, scanner, answer } = surroundings(several(3));
  scanner.want(chain);
  const taken = scanner.take();
  for (const height of [3, 1, 2]) await answer(height);
  expect(heightsOf(await taken)).toEqual([1, 2, 3]);
});

test('four blocks are read at a time, and twelve are in memory while they can not be scanned', async () => {
  const { chain, asked, scanner, state, answer } = surroundings(several(40));
  let release: () => void = () => undefined;
  state.held = new Promise((resolve) => {
    release = resolve;
  });
  scanner.want(chain);
  expect(asked).toEqual(upTo(4));
  await answer(2);
  expect(asked).toEqual(upTo(5));
  for (let height = 1; height <= 20; height++) await answer(height);
  expect(asked).toEqual(upTo(12));
  release();
  await settle();
  expect(asked.length).toBeGreaterThan(12);
});

test('an address that was derived while a block was being read is found in it', async () => {
  const { chain, derived, scanner, answer, state } = surroundings(several(2));
  scanner.want(chain);
  await answer(1);
  derived.push(PAID);
  await answer(2);
  const [first, second] = await scanner.take();
  expect([first?.found.length, second?.found.length]).toEqual([1, 1]);
  expect(state.refreshes).toBe(1);
});

test('addresses are asked for anew for blocks that arrive while they are being asked for', async () => {
  const { chain, derived, scanner, answer, answerAll, state } = surroundings(several(8));
  let release: () => void = () => undefined;
  state.held = new Promise((resolve) => {
    release = resolve;
  });
  scanner.want(chain);
  await answer(1, 2, 3, 4);
  expect(state.refreshes).toBe(1);
  derived.push(PAID);
  await answer(5, 6, 7, 8);
  release();
  await answerAll();
  const found = (await scanner.take()).map((block) => block.found.length);
  expect(found.slice(4)).toEqual([1, 1, 1, 1]);
});

test('a coin that is watched only since is found in blocks that were scanned before', async () => {
  const { chain, watch, asked, scanner, answerAll } = surroundings(several(30));
  scanner.want(chain);
  await answerAll();
  watch.watchSpends([{ txid: displayHash(COIN), vout: 5 }]);
  scanner.want(chain);
  const taken = scanner.take();
  await answerAll();
  const blocks = await taken;
  expect(asked).toEqual([...upTo(30), ...upTo(30)]);
  expect(blocks.flatMap(({ found }) => found.map(({ block }) => block?.height))).toEqual([6]);
});

test('a coin that one block makes is found when the next one spends it, whichever comes first', async () => {
  const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  const first = rawBlock(5);
  const txid = sha(sha(first.subarray(81)));
  // It spends output 0 of the first one's transaction, and pays nobody that we know.
  const second = rawBlock(0, { spends: txid, script: PAID.with(21, 1) });
  for (const sequence of [
    [1, 2, 3, 4, 5],
    // Four that have arrived are not kept waiting for the one before them, but for its scan.
    [2, 3, 4, 5, 1],
  ]) {
    const { chain, derived, scanner, answer } = surroundings([
      first,
      second,
      ...[7, 8, 9].map((number) => rawBlock(number)),
    ]);
    derived.push(PAID);
    scanner.want(chain);
    for (const height of sequence) await answer(height);
    await answer(...sequence);
    const taken = await scanner.take();
    const spends = taken[1]?.found.flatMap((each) => each.spends);
    expect(spends).toEqual([{ txid: displayHash(txid), vout: 0 }]);
  }
});

test('a coin that is watched while blocks are waited for counts as well', async () => {
  const { chain, watch, scanner, answer, answerAll } = surroundings(several(5));
  scanner.want(chain);
  await answer(1, 2, 3, 4);
  const taken = scanner.take();
  watch.watchSpends([{ txid: displayHash(COIN), vout: 0 }]);
  await answerAll();
  await answerAll();
  expect((await taken)[0]?.found).toHaveLength(1);
});

test('what was found stays as it was when its block’s memory is used again', async () => {
  const blocks = several(60);
  const { chain, derived, scanner, answerAll } = surroundings(blocks);
  derived.push(PAID);
  scanner.want(chain);
  await answerAll();
  const taken = await scanner.take();
  expect(heightsOf(taken)).toEqual(upTo(60));
  for (const [i, { found }] of taken.entries()) {
    const end = blocks[i]?.length ?? 0;
    expect(found.map(({ raw }) => [...raw])).toEqual([[...(blocks[i] ?? []).slice(81, end)]]);
  }
});

test('at least 24 blocks are taken at once, more if they are ready, and fewer only at the end', async () => {
  const { chain, scanner, answer, answerAll } = surroundings(several(70));
  scanner.want(chain);
  let taken: ScannedBlock[] | undefined;
  void scanner.take().then((blocks) => {
    taken = blocks;
  });
  for (let height = 1; height <= 23; height++) await answer(height);
  expect(taken).toBeUndefined();
  for (let height = 24; height <= 28; height++) await answer(height);
  expect(heightsOf(taken ?? [])).toEqual(upTo(taken?.length ?? 0));
  expect(taken?.length).toBeGreaterThanOrEqual(24);
  await answerAll();
  const rest = heightsOf(await scanner.take());
  expect(rest).toEqual(upTo(70 - (taken?.length ?? 0), (taken?.length ?? 0) + 1));
  expect(await scanner.take()).toEqual([]);
});

test('a block that can not be read is told to who needs it, and asked for again when wanted anew', async () => {
  const { chain, asked, pending, scanner, answer, answerAll } = surroundings(several(3));
  scanner.want(chain);
  await answer(1);
  pending.get(2)?.fail();
  await answer(3);
  await expect(scanner.take()).rejects.toThrow('no block 2');
  scanner.want(chain);
  const taken = scanner.take();
  await answerAll();
  expect(heightsOf(await taken)).toEqual([1, 2, 3]);
  expect(asked).toEqual([1, 2, 3, 2]);
});

test('a block far ahead that can not be read does not hold up those before it', async () => {
  const { chain, asked, pending, scanner, answer } = surroundings(several(40));
  scanner.want(chain);
  const taken = scanner.take();
  for (let height = 1; height <= 21; height++) await answer(height);
  expect(asked.at(-1)).toBe(25);
  pending.get(25)?.fail();
  await settle();
  await answer(22, 23, 24);
  expect(heightsOf(await taken)).toEqual(upTo(24));
  await expect(scanner.take()).rejects.toThrow('no block 25');
});

test('a database that does not tell the addresses lets no block be taken', async () => {
  const { chain, scanner, state, answer } = surroundings(several(2));
  state.held = Promise.reject(new Error('no database'));
  state.held.catch(() => {});
  scanner.want(chain);
  await answer(1, 2);
  await expect(scanner.take()).rejects.toThrow('no database');
});

test('another block than the one that was asked for halts', async () => {
  const { chain, scanner, answer } = surroundings(several(2));
  // The node answers with a block of its own under this name, for which there is no raw block here.
  scanner.want([{ height: 1, hash: 'f'.repeat(64) }]);
  await answer(0);
  await expect(scanner.take()).rejects.toThrow();
  const swapped = surroundings([rawBlock(1)]);
  const [place] = chain;
  const other = createBlockScanner({
    source: { rawBlock: () => Promise.resolve(rawBlock(1)) },
    watch: swapped.watch,
    clock: { nowMs: () => 0 },
  });
  other.want([{ height: 1, hash: place?.hash ?? '' }]);
  await expect(other.take()).rejects.toThrow(ChainHaltError);
});

test.each([
  ['transactions', Array.from({ length: 60 }, (_, i) => rawBlock(i, { transactions: 100 }))],
  ['bytes', Array.from({ length: 60 }, (_, i) => rawBlock(i, { scriptBytes: 2_000_000 }))],
])('nothing more is read ahead while too many %s wait to be taken', async (_what, blocks) => {
  const { chain, asked, derived, scanner, answerAll } = surroundings(blocks);
  derived.push(PAID);
  scanner.want(chain);
  await answerAll();
  // As many as one step takes in any case, and what was being read.
  expect(asked.length).toBeGreaterThanOrEqual(24);
  expect(asked.length).toBeLessThan(24 + 12);
  expect((await scanner.take()).length).toBeGreaterThanOrEqual(24);
  await answerAll();
  expect(asked.length).toBeGreaterThan(24 + 12);
});

test('what is not wanted any more is not read', async () => {
  const { chain, asked, scanner, answerAll } = surroundings(several(20));
  scanner.want(chain);
  scanner.want([]);
  await answerAll();
  expect(asked).toEqual(upTo(4));
  expect(await scanner.take()).toEqual([]);
});
