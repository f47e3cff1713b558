import { createHash } from 'node:crypto';
import { scriptToAddress } from '@quittance/bitcoin';
import { formatBtc } from '@quittance/kernel';

/**
 * A chain that is made as it is asked for: payments with three hops of transactions behind them, told
 * as Bitcoin Core tells them (getrawtransaction with verbosity 2, gettxout). The same number gives the
 * same transactions, so that the node's process and the bench know them without a word.
 */

/** What can be wrong with a payment. */
export type Trait =
  | 'listed'
  | 'mixer'
  | 'amount'
  | 'young'
  | 'busy'
  | 'coinjoin'
  | 'peel'
  | 'dust'
  | 'replaced'
  | 'refunded'
  | 'unknown';

/**
 * Payments go through these in turn: 6 of 20 are clean, 8 give points and are let through, 6 are held.
 * A real shop has far more clean ones; here what costs more is to be seen.
 */
const KINDS: readonly (readonly Trait[])[] = [
  [],
  ['young'],
  ['coinjoin', 'young'],
  ['listed'],
  [],
  ['peel', 'refunded'],
  ['dust', 'replaced'],
  ['mixer'],
  [],
  ['amount', 'unknown'],
  ['young', 'busy'],
  ['amount'],
  [],
  ['listed', 'young', 'amount'],
  ['unknown', 'replaced'],
  [],
  ['mixer', 'coinjoin'],
  ['refunded', 'young'],
  [],
  ['busy', 'replaced', 'refunded'],
];
export const KIND_COUNT = KINDS.length;

export function traitsOf(n: number): readonly Trait[] {
  return KINDS[n % KINDS.length] ?? [];
}

/** Addresses that pay again and again: those of a store's regular customers. */
export const SOURCES = 200;
/** Addresses with more payments in a day than a person makes. */
export const BUSY_SOURCES = 8;
export const REFUNDED_SOURCES = 50;
const TIP = 850_000;
const TIP_HASH = 'e'.repeat(64);
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const DAY_MS = 86_400_000;
const COIN_SATS = 50_000;
/** RPC_INVALID_ADDRESS_OR_KEY (Bitcoin Core, rpc/protocol.h). */
const NOT_FOUND = -5;

/** A transaction by its place in the tree behind payment `n`: the payment is 1, makers of its coins below. */
type Place = { n: number; at: number };
const BRANCHES = 64;

export function txidOf({ n, at }: Place): string {
  return `${hex(n, 16)}${hex(at, 16)}${'5a'.repeat(16)}`;
}

function placeOf(txid: string): Place {
  return { n: Number.parseInt(txid.slice(0, 16), 16), at: Number.parseInt(txid.slice(16, 32), 16) };
}

/** An address of nobody's, always the same for the same words. */
export function addressOf(owner: string): string {
  return scriptToAddress(scriptOf(owner), 'regtest') ?? '';
}

function scriptOf(owner: string): Buffer {
  const hash = createHash('sha256').update(owner).digest().subarray(0, 20);
  return Buffer.concat([Buffer.from('0014', 'hex'), hash]);
}

function depthOf(at: number): number {
  let depth = 0;
  for (let rest = at; rest > 1; rest = Math.floor(rest / BRANCHES)) depth += 1;
  return depth;
}

/** Whose coin the input spends. */
function ownerOf({ n, at }: Place, input: number): string {
  const traits = traitsOf(n);
  const depth = depthOf(at);
  if (depth === 0) {
    if (input === 0 && traits.includes('refunded')) return `refunded ${n % REFUNDED_SOURCES}`;
    if (input <= 1 && traits.includes('busy')) return `busy ${n % BUSY_SOURCES}`;
    return `source ${n % SOURCES} ${input}`;
  }
  const isFirst = input === 0 && at === firstAt(depth);
  if (isFirst && depth === 1 && traits.includes('mixer')) return 'mixer';
  if (isFirst && depth === 2 && traits.includes('listed')) return 'listed';
  return `${n} ${at} ${input}`;
}

function firstAt(depth: number): number {
  return depth === 0 ? 1 : firstAt(depth - 1) * BRANCHES;
}

function inputsOf({ n, at }: Place): number {
  const traits = traitsOf(n);
  if (traits.includes('peel')) return 1;
  const depth = depthOf(at);
  if (depth === 0) return traits.includes('coinjoin') ? 5 : 4;
  return depth === 1 ? 4 : 1;
}

function outputsOf({ n, at }: Place): number[] {
  const traits = traitsOf(n);
  if (depthOf(at) > 0) return traits.includes('peel') ? [COIN_SATS, 2_000] : [COIN_SATS, 5_000];
  if (traits.includes('coinjoin')) return [10_000, 10_000, 10_000, 10_000, 10_000, 1_234];
  if (traits.includes('dust')) return [COIN_SATS, ...Array.from({ length: 24 }, () => 600)];
  return [COIN_SATS, 20_000];
}

function heightOf({ n, at }: Place): number {
  return TIP - 10_000 - ((n * 37) % 50_000) - depthOf(at) * 20;
}

/** Half of these inputs nobody can tell: the maker of their coins is nowhere. */
function isNowhere({ n, at }: Place): boolean {
  const branch = Math.floor(at / BRANCHES ** Math.max(0, depthOf(at) - 1)) % BRANCHES;
  return traitsOf(n).includes('unknown') && depthOf(at) > 0 && branch >= 2;
}

/** What the node answers to one call: a result or the code of its refusal. */
export type Answer = { result: unknown } | { error: { code: number; message: string } };

export function answerOf(method: string, params: readonly unknown[]): Answer {
  const [first, second] = params;
  switch (method) {
    case 'getblockhash':
      return { result: hex(Number(first), 64) };
    case 'getblockheader':
      return { result: { hash: TIP_HASH, height: TIP, confirmations: 1 } };
    case 'gettxout':
      return { result: coinOf(placeOf(String(first)), Number(second)) };
    case 'getrawtransaction': {
      const place = placeOf(String(first));
      if (isNowhere(place) || Number.isNaN(place.n)) return notFound();
      return second === 0 ? notFound() : { result: transactionOf(place) };
    }
    default:
      return { error: { code: -32_601, message: `no ${method} here` } };
  }
}

function notFound(): Answer {
  return { error: { code: NOT_FOUND, message: 'No such mempool or blockchain transaction.' } };
}

function coinOf(place: Place, vout: number): unknown {
  if (isNowhere(place)) return null;
  const spender = { n: place.n, at: Math.floor(place.at / BRANCHES) };
  const owner = ownerOf(spender, place.at % BRANCHES);
  const confirmations = TIP - heightOf(place) + 1;
  const value = amount(outputsOf(place)[vout] ?? 0);
  return {
    bestblock: TIP_HASH,
    confirmations,
    value,
    scriptPubKey: script(owner),
    coinbase: false,
  };
}

/** As the node tells it, with all that is not read as well: its bytes have to be parsed too. */
function transactionOf(place: Place): unknown {
  const { n, at } = place;
  const isPayment = depthOf(at) === 0;
  const outputs = outputsOf(place);
  const vin = Array.from({ length: inputsOf(place) }, (_, i) => {
    const maker = { n, at: at * BRANCHES + i };
    const prevout = {
      ...{ generated: false, height: heightOf(maker), value: amount(COIN_SATS) },
      scriptPubKey: script(ownerOf(place, i)),
    };
    return {
      ...{ txid: txidOf(maker), vout: 0, scriptSig: { asm: '', hex: '' }, sequence: 4294967293 },
      txinwitness: ['30'.repeat(72), '02'.repeat(33)],
      // The mempool has no undo data, so the node leaves it out.
      ...(isPayment ? {} : { prevout }),
    };
  });
  const vout = outputs.map((sats, i) => ({
    ...{ value: amount(sats), n: i, scriptPubKey: script(`${n} ${at} to ${i}`) },
  }));
  const timeMs = NOW_MS - (traitsOf(n).includes('young') ? 2 : 100 + depthOf(at)) * DAY_MS;
  const block = {
    ...{ in_active_chain: true, blockhash: hex(heightOf(place), 64), time: timeMs / 1_000 },
    ...{ confirmations: TIP - heightOf(place) + 1, blocktime: timeMs / 1_000 },
  };
  return {
    ...{ txid: txidOf(place), hash: txidOf(place), version: 2, locktime: 0, fee: amount(1_000) },
    ...{ size: 370, vsize: 208, weight: 832, vin, vout, hex: bytesOf(place) },
    ...(isPayment ? {} : block),
  };
}

/** A transaction's bytes, with signatures of the usual length (BIP144). */
function bytesOf(place: Place): string {
  const inputs = inputsOf(place);
  const outputs = outputsOf(place);
  const vin = Array.from({ length: inputs }, (_, i) => {
    const txid = txidOf({ n: place.n, at: place.at * BRANCHES + i });
    return `${reversed(txid)}00000000${'00'}fdffffff`;
  });
  const vout = outputs.map((sats, i) => {
    const bytes = scriptOf(`${place.n} ${place.at} to ${i}`).toString('hex');
    return `${reversed(hex(sats, 16))}${hex(bytes.length / 2, 2)}${bytes}`;
  });
  const witness = `02${'48'}${'30'.repeat(72)}${'21'}${'02'.repeat(33)}`;
  const body = `${hex(inputs, 2)}${vin.join('')}${hex(outputs.length, 2)}${vout.join('')}`;
  return `020000000001${body}${witness.repeat(inputs)}00000000`;
}

export function rawOf(place: Place): Buffer {
  return Buffer.from(bytesOf(place), 'hex');
}

function script(owner: string) {
  const bytes = scriptOf(owner).toString('hex');
  const address = addressOf(owner);
  const desc = `addr(${address})#abcdefgh`;
  return { asm: `0 ${bytes.slice(4)}`, desc, hex: bytes, address, type: 'witness_v0_keyhash' };
}

/** Marked, so that the text of the answer has it as the node's: a number with eight decimals. */
function amount(sats: number): string {
  return `\u0001${formatBtc(BigInt(sats))}\u0001`;
}

/** The text of an answer; amounts are numbers in it, as the node writes them. */
export function textOf(answer: object): string {
  return JSON.stringify(answer).replaceAll(/"\\u0001|\\u0001"/g, '');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function reversed(bytes: string): string {
  return Buffer.from(bytes, 'hex').reverse().toString('hex');
}
