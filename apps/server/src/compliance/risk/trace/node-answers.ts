import { type Network, parseTransaction, scriptToAddress } from '@quittance/bitcoin';
import { fromHex, parseDecimal, type Sats, SATS_PER_BTC } from '@quittance/kernel';
import { z } from 'zod';
import type { SpentOutput, TracedTransaction } from './traced-transaction.ts';

const scriptPubKey = z.object({ hex: z.string().regex(/^([0-9a-f]{2})*$/) });
/** The client gives amounts as the exact text that the node wrote, whole numbers as numbers. */
const amount = z.union([z.string(), z.int()]);

/** What of getrawtransaction's answer (verbosity 2) is read; amounts come out of the bytes. */
export const rawAnswer = z.object({
  hex: z.string().regex(/^([0-9a-f]{2})+$/),
  confirmations: z.int().optional(),
  blocktime: z.int().optional(),
  vin: z.array(
    z.object({
      coinbase: z.string().optional(),
      txid: z.string().optional(),
      vout: z.int().optional(),
      prevout: z.object({ height: z.int(), value: amount, scriptPubKey }).optional(),
    }),
  ),
});
export type RawAnswer = z.output<typeof rawAnswer>;

/** What of gettxout's answer is read. */
export const coinAnswer = z.object({
  bestblock: z.string(),
  confirmations: z.int(),
  value: amount,
  scriptPubKey,
});

/** Coinbase inputs name no transaction (Bitcoin consensus). */
const NO_TXID = '0'.repeat(64);

/** A transaction as the node tells it. @param height of the block that it was asked for in */
export function tracedOf(
  txid: string,
  answer: RawAnswer,
  { height, network }: { height: number | null; network: Network },
): TracedTransaction {
  const { outputs } = parseTransaction(fromHex(answer.hex));
  const inputs = answer.vin.map(({ txid: from, vout, prevout }): SpentOutput => {
    const place = { txid: from ?? NO_TXID, vout: vout ?? 0 };
    if (prevout === undefined) return { ...place, address: null, valueSats: null, height: null };
    return {
      ...place,
      address: scriptToAddress(fromHex(prevout.scriptPubKey.hex), network),
      valueSats: satsOf(prevout.value),
      height: prevout.height,
    };
  });
  const isCoinbase = answer.vin.some(({ coinbase }) => coinbase !== undefined);
  const timeMs = answer.blocktime === undefined ? null : answer.blocktime * 1_000;
  return { txid, height, timeMs, isCoinbase, inputs, outputs };
}

/** Exactly, from text with up to eight decimals; null for what is no amount. */
export function satsOf(value: string | number): Sats | null {
  if (typeof value === 'number') return BigInt(value) * SATS_PER_BTC;
  const parsed = parseDecimal(value, 8);
  return parsed.ok ? parsed.value : null;
}
