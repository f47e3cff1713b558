import { createReadStream, existsSync, closeSync, fsyncSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { timingSafeEqual } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '@quittance/kernel';
import { faultPoint } from '../faults.ts';
import { renameDurably, writeAll } from '../files.ts';
import { emptyState, type State } from './state.ts';

/** Where in the log a snapshot was taken: it stands for everything up to there. */
export type LogPosition = { seq: number; hash: string; segment: number };

type Item =
  | ({ kind: 'head'; policy: string | null; wallets: string | null } & LogPosition)
  | { kind: 'set'; outpoints: readonly string[] }
  | { kind: 'payout'; id: string; terms: string; set: number }
  | { kind: 'request'; id: string; digest: string }
  | { kind: 'spending'; atMs: number; sats: string; count: number }
  | { kind: 'change'; wallet: string; index: number };

/** Lines are collected up to this before they are written. */
const CHUNK_BYTES = 1 << 20;

/**
 * Writes the state so that a start need not read the log from its beginning. It is no more than a
 * shortcut: without it everything is read again.
 */
export function writeSnapshot(
  path: string,
  { state, at, key }: { state: State; at: LogPosition; key: Uint8Array },
): void {
  const file = openSync(`${path}.new`, 'w', 0o600);
  const mac = hmac.create(sha256, key);
  try {
    let chunk = '';
    const flush = () => {
      const bytes = Buffer.from(chunk);
      mac.update(bytes);
      writeAll(file, bytes);
      chunk = '';
    };
    for (const item of itemsOf(state, at)) {
      chunk += `${JSON.stringify(item)}\n`;
      if (chunk.length > CHUNK_BYTES) flush();
    }
    flush();
    writeAll(file, Buffer.from(`${JSON.stringify({ mac: toHex(mac.digest()) })}\n`));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameDurably(`${path}.new`, path);
  faultPoint('signer:snapshot-written');
}

function* itemsOf(state: State, at: LogPosition): Generator<Item> {
  yield { kind: 'head', ...at, policy: state.policy, wallets: state.wallets };
  const sets = new Map<readonly string[], number>();
  for (const [id, { terms, common }] of state.payouts) {
    let set = sets.get(common);
    if (set === undefined) {
      set = sets.size;
      sets.set(common, set);
      yield { kind: 'set', outpoints: common };
    }
    yield { kind: 'payout', id, terms, set };
  }
  for (const [id, digest] of state.requests) yield { kind: 'request', id, digest };
  for (const { atMs, sats, count } of state.spending) {
    yield { kind: 'spending', atMs, sats: String(sats), count };
  }
  for (const [wallet, index] of state.changeIndexes) yield { kind: 'change', wallet, index };
}

/** Reads a snapshot; null when there is none that this signer has written whole. */
export async function readSnapshot(
  path: string,
  key: Uint8Array,
): Promise<{ state: State; at: LogPosition } | null> {
  if (!existsSync(path)) return null;
  const mac = hmac.create(sha256, key);
  const state = emptyState();
  const sets: (readonly string[])[] = [];
  let at: LogPosition | null = null;
  let code: string | null = null;
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    if (code !== null) return null;
    const item = parse(line);
    if (item === null) return null;
    if ('mac' in item) {
      code = item.mac;
      continue;
    }
    mac.update(Buffer.from(`${line}\n`));
    if (item.kind === 'head') {
      const { seq, hash, segment, policy, wallets } = item;
      at = { seq, hash, segment };
      Object.assign(state, { policy, wallets });
    } else take(state, sets, item);
  }
  const isWell = code !== null && /^[0-9a-f]{64}$/.test(code);
  if (at === null || code === null || !isWell) return null;
  return timingSafeEqual(fromHex(code), mac.digest()) ? { state, at } : null;
}

/** Nothing of it is used before the code at the end has been checked. */
function take(state: State, sets: (readonly string[])[], item: Exclude<Item, { kind: 'head' }>) {
  switch (item.kind) {
    case 'set':
      sets.push(item.outpoints);
      return;
    case 'payout':
      state.payouts.set(item.id, { terms: item.terms, common: sets[item.set] ?? [] });
      return;
    case 'request':
      state.requests.set(item.id, item.digest);
      return;
    case 'spending':
      state.spending.push({ atMs: item.atMs, sats: BigInt(item.sats), count: item.count });
      return;
    default:
      state.changeIndexes.set(item.wallet, item.index);
  }
}

function parse(line: string): Item | { mac: string } | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Item | { mac: string }) : null;
  } catch {
    return null;
  }
}
