import { type Network, parseOutputs, scriptToAddress } from '@quittance/bitcoin';
import { parseDecimal, type Sats, SATS_PER_BTC } from '@quittance/kernel';
import type { SpentOutput, TracedTransaction } from './traced-transaction.ts';

/**
 * What is read of the node's answers. A trace reads some hundred of them for one payment, so they are
 * checked by hand: a general checker takes as long as all else.
 */

/** The client gives amounts as the exact text that the node wrote, whole numbers as numbers. */
type Amount = string | number;

/** Of getrawtransaction's answer (verbosity 2); amounts of outputs come out of the bytes. */
export type RawAnswer = {
  bytes: Uint8Array;
  confirmations: number | undefined;
  blocktime: number | undefined;
  inputs: readonly SpentAnswer[];
};
type SpentAnswer = {
  isCoinbase: boolean;
  txid: string | undefined;
  vout: number | undefined;
  prevout: { height: number; value: Amount; script: Uint8Array } | undefined;
};

/** Of gettxout's answer. */
export type CoinAnswer = {
  bestblock: string;
  confirmations: number;
  value: Amount;
  script: Uint8Array;
};

/** @returns null for what is no such answer */
export function readRaw(answer: unknown): RawAnswer | null {
  if (!isRecord(answer)) return null;
  const { hex, confirmations, blocktime, vin } = answer;
  const bytes = bytesOf(hex);
  if (bytes === null || bytes.length === 0 || !Array.isArray(vin)) return null;
  if (!isOptionalInteger(confirmations) || !isOptionalInteger(blocktime)) return null;
  const inputs: SpentAnswer[] = [];
  for (const each of vin as readonly unknown[]) {
    const input = readSpent(each);
    if (input === null) return null;
    inputs.push(input);
  }
  return { bytes, confirmations, blocktime, inputs };
}

function readSpent(answer: unknown): SpentAnswer | null {
  if (!isRecord(answer)) return null;
  const { coinbase, txid, vout, prevout: told } = answer;
  const isPlace = (txid === undefined || typeof txid === 'string') && isOptionalInteger(vout);
  if (!isPlace) return null;
  const isCoinbase = coinbase !== undefined;
  if (told === undefined) return { isCoinbase, txid, vout, prevout: undefined };
  if (!isRecord(told)) return null;
  const { height, value } = told;
  const script = scriptOf(told);
  if (!isInteger(height) || !isAmount(value) || script === null) return null;
  return { isCoinbase, txid, vout, prevout: { height, value, script } };
}

/** @returns null for what is no such answer */
export function readCoin(answer: unknown): CoinAnswer | null {
  if (!isRecord(answer)) return null;
  const { bestblock, confirmations, value } = answer;
  const script = scriptOf(answer);
  if (typeof bestblock !== 'string' || !isInteger(confirmations)) return null;
  if (!isAmount(value) || script === null) return null;
  return { bestblock, confirmations, value, script };
}

function scriptOf({ scriptPubKey }: Record<string, unknown>): Uint8Array | null {
  return isRecord(scriptPubKey) ? bytesOf(scriptPubKey['hex']) : null;
}

/** Hexadecimal digits; where one is none, Buffer stops early. */
function bytesOf(hex: unknown): Uint8Array | null {
  if (typeof hex !== 'string') return null;
  const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
  return bytes.length * 2 === hex.length ? bytes : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isOptionalInteger(value: unknown): value is number | undefined {
  return value === undefined || isInteger(value);
}

function isAmount(value: unknown): value is Amount {
  return typeof value === 'string' || isInteger(value);
}

/** Coinbase inputs name no transaction (Bitcoin consensus). */
const NO_TXID = '0'.repeat(64);

/** A transaction as the node tells it. @param height of the block that it was asked for in */
export function tracedOf(
  txid: string,
  answer: RawAnswer,
  { height, network }: { height: number | null; network: Network },
): TracedTransaction {
  const inputs = answer.inputs.map(({ txid: from, vout, prevout }): SpentOutput => {
    const place = { txid: from ?? NO_TXID, vout: vout ?? 0 };
    if (prevout === undefined) return { ...place, address: null, valueSats: null, height: null };
    return {
      ...place,
      address: scriptToAddress(prevout.script, network),
      valueSats: satsOf(prevout.value),
      height: prevout.height,
    };
  });
  const isCoinbase = answer.inputs.some((input) => input.isCoinbase);
  const timeMs = answer.blocktime === undefined ? null : answer.blocktime * 1_000;
  return { txid, height, timeMs, isCoinbase, inputs, outputs: parseOutputs(answer.bytes) };
}

/** Exactly, from text with up to eight decimals; null for what is no amount. */
export function satsOf(value: Amount): Sats | null {
  if (typeof value === 'number') return BigInt(value) * SATS_PER_BTC;
  const parsed = parseDecimal(value, 8);
  return parsed.ok ? parsed.value : null;
}
