import {
  displayHash,
  type Network,
  parseTransaction,
  paymentSource,
  scriptToAddress,
  type SourceWarning,
} from '@quittance/bitcoin';
import type { CreateRefund, RefundSource } from '@quittance/contract';
import { toHex } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readPreviousTransactions } from '../coins/index.ts';

/** Payments of an order whose origin is looked at; one with more is refunded by a claim. */
const MAX_PAYMENTS = 20;
/** Inputs whose previous outputs are looked for; a person's payment has a few. */
const MAX_INPUTS = 500;

/**
 * Where an order's payments came from (refund-to-first-input). Only a hint: an exchange pays from
 * an address that it shares among all its customers.
 */
export async function readSources(
  tx: Tx,
  { txids, network }: { txids: readonly string[]; network: Network },
): Promise<RefundSource[]> {
  const looked = txids.slice(0, MAX_PAYMENTS);
  const raws = await readPreviousTransactions(tx, looked);
  const known = await readSpentScripts(tx, [...raws.values()]);
  return looked.flatMap((txid) => {
    const raw = raws.get(txid);
    if (raw === undefined) return [];
    const { inputs, scripts, unknownInputs, warnings } = paymentSource(raw, known);
    const addresses = scripts.flatMap((script) => scriptToAddress(script, network) ?? []);
    return [{ txid, inputs, unknownInputs, addresses, warnings: [...warnings] }];
  });
}

/** What payments spent, as far as the transactions before them are on record here. */
async function readSpentScripts(
  tx: Tx,
  raws: readonly Uint8Array[],
): Promise<Map<string, Uint8Array>> {
  const outpoints = raws.flatMap((raw) => parseTransaction(raw).inputs).slice(0, MAX_INPUTS);
  const before = [...new Set(outpoints.map(({ prevTxid }) => displayHash(prevTxid)))];
  const found = await readPreviousTransactions(tx, before);
  return new Map(
    outpoints.flatMap(({ prevTxid, prevVout }): [string, Uint8Array][] => {
      const raw = found.get(displayHash(prevTxid));
      const script =
        raw === undefined ? undefined : parseTransaction(raw).outputs[prevVout]?.script;
      return script === undefined ? [] : [[`${toHex(prevTxid)}:${prevVout}`, script]];
    }),
  );
}

/** The warnings of all sources in words, and the one that always holds. */
export function explainSources(sources: readonly RefundSource[]): { code: string; text: string }[] {
  const codes = new Set(sources.flatMap(({ warnings }) => warnings));
  const said = [...codes].map((code) => ({ code, text: WORDS[code as SourceWarning] }));
  return [{ code: 'not_proven', text: NOT_PROVEN }, ...said];
}

const NOT_PROVEN =
  'Nothing proves that the customer can spend what is sent to the address that a payment came ' +
  'from. Exchanges and services pay from addresses of their own: money sent back there is often ' +
  'lost to the customer. Let the customer claim the refund unless he has told you the address.';

const WORDS: Record<SourceWarning, string> = {
  exchange: 'The transaction looks like a payout of an exchange or of another service.',
  coinjoin: 'The transaction looks like a coinjoin: its inputs are of several people.',
  shared_custody: 'The payment came from a script of several keys, as custodians use.',
  several_sources: 'The payment came from more than one address; choose one by `address`.',
  unknown_source: 'Some inputs do not tell which address they came from, and it is not on record.',
};

/**
 * The address to send back to: only by the merchant's explicit choice, after the warnings.
 * @throws {AppError} source_risk_not_accepted, invalid_destination
 */
export async function chooseSource(
  tx: Tx,
  work: { txids: readonly string[]; network: Network; wish: CreateRefund },
): Promise<string> {
  const { wish } = work;
  const sources = await readSources(tx, work);
  const addresses = [...new Set(sources.flatMap((source) => source.addresses))];
  if (!wish.acceptSourceRisk) {
    const warnings = explainSources(sources).map(({ code, text }) => ({
      pointer: '/acceptSourceRisk',
      detail: `${code}: ${text}`,
    }));
    const found = addresses.length === 0 ? 'none that is known' : addresses.join(', ');
    throw new AppError(
      'source_risk_not_accepted',
      `Addresses that the payment came from: ${found}. Read the warnings; to send there ` +
        'nevertheless, repeat the request with acceptSourceRisk: true and the address.',
      { fields: warnings },
    );
  }
  const [only] = addresses;
  if (wish.address === undefined && addresses.length === 1 && only !== undefined) return only;
  if (wish.address !== undefined && addresses.includes(wish.address)) return wish.address;
  const detail =
    addresses.length === 0
      ? 'The payment does not tell where it came from; let the customer claim the refund.'
      : `Send one of these as address: ${addresses.join(', ')}.`;
  throw new AppError('invalid_destination', detail, {
    fields: [{ pointer: '/address', detail: 'not_a_source' }],
  });
}
