import { createHash, randomFillSync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OutpointTable, ScriptTable, scanBlock, type Watch } from '@quittance/bitcoin';
import { Block } from 'bitcoinjs-lib';
import { type BenchOptions, type BenchResult, median, rounded } from './harness.ts';

/**
 * Finding payments and spends in real blocks: our scanner against bitcoinjs-lib with Maps, which
 * do the same work, and against one SHA-256 pass over the same bytes, which is the least that anybody does with a block. All three
 * run in turn, several rounds, on the same machine state; what counts is the ratio of medians.
 */

/** Bytes reserved for each random script; the longest standard one has 34. */
const SCRIPT_STRIDE = 36;
/** randomFillSync takes at most 2 GiB at once. */
const RANDOM_CHUNK_BYTES = 1 << 28;
/** Our scan and the hash are quick, so each round repeats them; every pass is its own sample. */
const PASSES_PER_ROUND = 20;
/**
 * Each n-th output of the real blocks is watched too, so that there is something to find. Only
 * scripts that are paid once: an order's address is not used again.
 */
const WATCH_EVERY = 500;

/** The targets speak of a million scripts: the third of the sizes. */
const JUDGED_SIZE_AT = 2;

/** Of millions of scripts most are unpaid or long spent: fewer outpoints are watched. */
const MAX_OUTPOINTS = 1_000_000;

const repository = join(import.meta.dirname, '..');
const testData = process.env['QUITTANCE_TESTDATA'] ?? join(repository, '../shared/data');

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const blocks = readBlocks(join(testData, 'blocks'));
  const sizes = quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000, 5_000_000];
  const rounds = quick ? 5 : 11;
  const rows: Row[] = [];
  const ratios: Record<string, number> = {};
  for (const size of sizes) {
    const row = measure(size, blocks, rounds);
    rows.push(row);
    ratios[`${label(size)}: times faster than bitcoinjs-lib`] = row.timesFasterThanBitcoinjs;
    ratios[`${label(size)}: share of one SHA-256 pass`] = row.shareOfSha256Pass;
  }
  const judged = rows.at(quick ? -1 : JUDGED_SIZE_AT);
  return {
    name: 'scan',
    rows,
    ratios,
    targets: [
      {
        what: `times faster than bitcoinjs-lib at ${label(judged?.scripts ?? 0)} scripts`,
        value: judged?.timesFasterThanBitcoinjs ?? Number.NaN,
        unit: '×',
        limit: { atLeast: 30 },
      },
      {
        what: `share of one SHA-256 pass at ${label(judged?.scripts ?? 0)} scripts`,
        value: judged?.shareOfSha256Pass ?? Number.NaN,
        unit: '×',
        limit: { atMost: 1 },
      },
    ],
    versions: { 'bitcoinjs-lib': '7.0.5' },
  };
}

interface Row extends Record<string, unknown> {
  scripts: number;
  timesFasterThanBitcoinjs: number;
  shareOfSha256Pass: number;
}

function measure(size: number, blocks: readonly Uint8Array[], rounds: number): Row {
  const planted = someScripts(blocks);
  const random = randomScripts(size - planted.length);
  const maps = { scripts: new Map<string, number>(), outpoints: new Map<string, number>() };
  eachScript(random, planted, (script, id) => maps.scripts.set(latin1(script), id));
  const outpointCount = Math.min(size, MAX_OUTPOINTS);
  const watch: Watch = {
    scripts: new ScriptTable({ random: randomFillSync, expectedEntries: size }),
    outpoints: new OutpointTable({ random: randomFillSync, expectedEntries: outpointCount }),
  };
  eachScript(random, planted, (script, id) => watch.scripts.add(script, id));
  eachOutpoint(outpointCount, (outpoint, id) => {
    maps.outpoints.set(latin1(outpoint), id);
    watch.outpoints.add(outpoint, id);
  });

  const samples = { bitcoinjs: [] as number[], ours: [] as number[], sha256: [] as number[] };
  const counts = { bitcoinjs: 0, ours: 0 };
  for (let round = 0; round < rounds + 1; round++) {
    const bitcoinjs = time(1, () => {
      counts.bitcoinjs = 0;
      for (const raw of blocks) counts.bitcoinjs += findWithBitcoinjs(raw, maps);
    });
    const ours = time(PASSES_PER_ROUND, () => {
      counts.ours = 0;
      for (const raw of blocks) {
        scanBlock(raw, watch, (match) => {
          counts.ours += match.outputs.length;
        });
      }
    });
    const sha256 = time(PASSES_PER_ROUND, () => {
      for (const raw of blocks) createHash('sha256').update(raw).digest();
    });
    // The first round warms up the compiler and the caches.
    if (round === 0) continue;
    samples.bitcoinjs.push(...bitcoinjs);
    samples.ours.push(...ours);
    samples.sha256.push(...sha256);
  }
  if (counts.ours !== counts.bitcoinjs || counts.ours === 0) {
    throw new Error(`the two ways found ${counts.bitcoinjs} and ${counts.ours} payments`);
  }
  const perBlock = (passes: readonly number[]) => median(passes) / blocks.length;
  const bitcoinjs = perBlock(samples.bitcoinjs);
  const ours = perBlock(samples.ours);
  const sha256 = perBlock(samples.sha256);
  return {
    scripts: size,
    blocks: blocks.length,
    paymentsFound: counts.ours,
    bitcoinjsMsPerBlock: rounded(bitcoinjs),
    scannerMsPerBlock: rounded(ours),
    sha256MsPerBlock: rounded(sha256),
    timesFasterThanBitcoinjs: rounded(bitcoinjs / ours),
    shareOfSha256Pass: rounded(ours / sha256),
    scannerBytesPerScript: rounded(watch.scripts.memoryBytes() / size),
  };
}

/** What a straightforward watcher does: parse everything, then look scripts and spends up. */
function findWithBitcoinjs(
  raw: Uint8Array,
  maps: { scripts: ReadonlyMap<string, number>; outpoints: ReadonlyMap<string, number> },
): number {
  let found = 0;
  const outpoint = Buffer.alloc(36);
  for (const transaction of Block.fromBuffer(Buffer.from(raw)).transactions ?? []) {
    let touched = false;
    for (const input of transaction.ins) {
      outpoint.set(input.hash);
      outpoint.writeUInt32LE(input.index, 32);
      if (maps.outpoints.has(latin1(outpoint))) touched = true;
    }
    for (const output of transaction.outs) {
      if (!maps.scripts.has(latin1(output.script))) continue;
      found += 1;
      touched = true;
    }
    if (touched) transaction.getHash();
  }
  return found;
}

/** Bytes as a string of the same length: the cheapest key for a Map, cheaper than hexadecimal. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Random scripts, 36 bytes apart in one buffer, so that millions cost no objects. */
function randomScripts(count: number): Uint8Array {
  const bytes = new Uint8Array(count * SCRIPT_STRIDE);
  for (let at = 0; at < bytes.length; at += RANDOM_CHUNK_BYTES) {
    randomFillSync(bytes.subarray(at, at + RANDOM_CHUNK_BYTES));
  }
  for (let at = 0; at < bytes.length; at += SCRIPT_STRIDE) {
    const share = (bytes[at + SCRIPT_STRIDE - 1] ?? 0) % 100;
    // Roughly what stores use: 60 % P2WPKH, 30 % P2TR, 10 % P2SH. The last byte holds the length.
    const head = share < 60 ? [0, 20] : share < 90 ? [0x51, 32] : [0xa9, 20];
    bytes.set(head, at);
    if (head[0] === 0xa9) bytes[at + 22] = 0x87;
    bytes[at + SCRIPT_STRIDE - 1] = head[0] === 0 ? 22 : head[0] === 0x51 ? 34 : 23;
  }
  return bytes;
}

function eachScript(
  random: Uint8Array,
  planted: readonly Uint8Array[],
  visit: (script: Uint8Array, id: number) => void,
): void {
  let id = 0;
  for (const script of planted) visit(script, id++);
  for (let at = 0; at < random.length; at += SCRIPT_STRIDE) {
    visit(random.subarray(at, at + (random[at + SCRIPT_STRIDE - 1] ?? 0)), id++);
  }
}

function eachOutpoint(count: number, visit: (outpoint: Uint8Array, id: number) => void): void {
  const outpoint = new Uint8Array(36);
  for (let id = 0; id < count; id++) {
    randomFillSync(outpoint, 0, 32);
    outpoint[32] = id & 3;
    visit(outpoint, id);
  }
}

/** Every {@link WATCH_EVERY}-th script of the blocks, among those that occur once. */
function someScripts(blocks: readonly Uint8Array[]): Uint8Array[] {
  const occurrences = new Map<string, number>();
  for (const raw of blocks) {
    for (const transaction of Block.fromBuffer(Buffer.from(raw)).transactions ?? []) {
      for (const { script } of transaction.outs) {
        occurrences.set(latin1(script), (occurrences.get(latin1(script)) ?? 0) + 1);
      }
    }
  }
  const once = [...occurrences].filter(([, count]) => count === 1).map(([key]) => key);
  const chosen = once.filter((_, at) => at % WATCH_EVERY === 0);
  return chosen.map((key) => Uint8Array.from(Buffer.from(key, 'latin1')));
}

function readBlocks(folder: string): Uint8Array[] {
  const names = existsSync(folder)
    ? readdirSync(folder).filter((each) => each.endsWith('.raw'))
    : [];
  if (names.length === 0) throw new Error(`no real blocks in ${folder}: set QUITTANCE_TESTDATA`);
  return names.map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

/** Milliseconds of each of the passes. */
function time(passes: number, work: () => void): number[] {
  return Array.from({ length: passes }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
}

function label(size: number): string {
  return size >= 1_000_000 ? `${size / 1_000_000}M` : `${size / 1_000}k`;
}
