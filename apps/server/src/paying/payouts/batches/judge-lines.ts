import type { PayoutBatchLine, PayoutBatchLineInput } from '@quittance/contract';
import type { Network } from '@quittance/bitcoin';
import { fromHex, toHex, type Sats } from '@quittance/kernel';
import type { FiatCurrency, Quote } from '../../../receiving/rates/index.ts';
import { coveringSats, type PayoutPrice } from '../payout.ts';
import { fiatOf, type PayoutTerms, readTerms } from '../terms.ts';
import type { RawLine } from './read-lines.ts';

/** What a valid line will pay, in a form that a JSON column keeps exactly. */
export type KeptTerms = {
  readonly destination: string;
  readonly destinationKind: PayoutTerms['destinationKind'];
  readonly script: string | null;
  readonly amountMsat: string;
  readonly price: PayoutPrice | null;
  readonly feeFrom: 'sender' | 'recipient';
  readonly maxFeeShareSats: string;
  readonly lightning: {
    readonly expiresAtMs: number | null;
    readonly paymentHash: string | null;
  } | null;
  readonly externalId: string | null;
  readonly description: string | null;
};

/** A line with its verdict and, where it is valid, what it will pay. */
export type JudgedLine = { readonly verdict: PayoutBatchLine; readonly terms: KeptTerms | null };

const MAX_EXTERNAL_ID_LENGTH = 200;
/**
 * Spreadsheets run a cell that begins so as a formula (OWASP, CSV injection). What comes in here
 * goes out in exports that people open, so it is not taken.
 */
const FORMULA = /^[=+\-@\t\r|]/;
const CONTROL = /[\p{Cc}\p{Cs}]/u;

/** The currencies whose rates are needed to judge these lines. */
export function currenciesOf(lines: readonly RawLine[]): FiatCurrency[] {
  const all = lines.flatMap(({ input }) => fiatOf({ currency: currencyOf(input) }) ?? []);
  return [...new Set(all)];
}

/**
 * Says of every line whether it can be paid, with everything that is wrong with it, and marks those
 * that repeat an earlier one. Pure: the same file at the same rates has the same verdict.
 * @param world.quotes by currency; one that is missing makes its lines invalid
 */
export function judgeLines(
  lines: readonly RawLine[],
  world: {
    network: Network;
    quotes: ReadonlyMap<string, Quote>;
    perPayoutMaxSats: Sats | null;
    nowMs: number;
  },
): JudgedLine[] {
  const seen = new Map<string, number>();
  return lines.map((raw) => {
    const judged = judgeLine(raw, world);
    if (judged.terms === null) return judged;
    const key = `${judged.terms.script ?? judged.terms.destination} ${judged.terms.amountMsat}`;
    const duplicateOf = seen.get(key) ?? null;
    if (duplicateOf === null) seen.set(key, raw.line);
    return { ...judged, verdict: { ...judged.verdict, duplicateOf } };
  });
}

function judgeLine(
  { line, input, problem }: RawLine,
  world: Parameters<typeof judgeLines>[1],
): JudgedLine {
  const problems: PayoutBatchLine['problems'] = textProblems(input);
  if (problem !== null) {
    problems.push({ field: 'line', code: 'invalid_request', message: problem });
  }
  const currency = currencyOf(input);
  const feeFrom = input.feeFrom === undefined ? 'sender' : input.feeFrom.toLowerCase();
  if (feeFrom !== 'sender' && feeFrom !== 'recipient') {
    const message = 'The fee is borne by "sender" or "recipient".';
    problems.push({ field: 'feeFrom', code: 'invalid_request', message });
  }
  const terms = readTerms(
    {
      destination: input.destination,
      ...(input.amount === '' ? {} : { amount: input.amount, currency }),
      feeFrom: feeFrom === 'recipient' ? 'recipient' : 'sender',
    },
    {
      network: world.network,
      quote: input.amount === '' ? null : (world.quotes.get(currency) ?? null),
      nowMs: world.nowMs,
    },
  );
  if (!terms.ok) problems.push(...terms.problems);
  else if (
    world.perPayoutMaxSats !== null &&
    coveringSats(terms.terms.amountMsat) > world.perPayoutMaxSats
  ) {
    const message = `The store's policy allows at most ${world.perPayoutMaxSats} sat for one payout.`;
    problems.push({ field: 'amount', code: 'payout_limit_exceeded', message });
  }
  const ok = terms.ok && problems.length === 0;
  const verdict: PayoutBatchLine = {
    line,
    ok,
    problems,
    destination: shown(input.destination),
    amountSats: terms.ok ? coveringSats(terms.terms.amountMsat).toString() : null,
    externalId: input.externalId === undefined ? null : shown(input.externalId),
    duplicateOf: null,
  };
  return { verdict, terms: ok && terms.ok ? keep(terms.terms, input) : null };
}

function currencyOf({ currency }: PayoutBatchLineInput): string {
  return currency === undefined ? 'BTC' : currency.toUpperCase();
}

function textProblems(input: PayoutBatchLineInput): PayoutBatchLine['problems'] {
  const problems: PayoutBatchLine['problems'] = [];
  for (const field of ['externalId', 'description'] as const) {
    const text = input[field];
    if (text === undefined) continue;
    const add = (message: string) => problems.push({ field, code: 'invalid_request', message });
    if (FORMULA.test(text)) add('It begins like a formula of a spreadsheet.');
    if (CONTROL.test(text)) add('It has control characters.');
    if (field === 'externalId' && (text === '' || text.length > MAX_EXTERNAL_ID_LENGTH)) {
      add(`It must have 1 to ${MAX_EXTERNAL_ID_LENGTH} characters.`);
    }
  }
  return problems;
}

/** What was written, made harmless for whoever shows or stores the verdict. */
function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]/gu, '\ufffd').slice(0, 200);
}

function keep(terms: PayoutTerms, input: PayoutBatchLineInput): KeptTerms {
  return {
    destination: terms.destination,
    destinationKind: terms.destinationKind,
    script: terms.script === null ? null : toHex(terms.script),
    amountMsat: terms.amountMsat.toString(),
    price: terms.price,
    feeFrom: terms.feeFrom,
    maxFeeShareSats: terms.maxFeeShareSats.toString(),
    lightning:
      terms.lightning === null
        ? null
        : {
            expiresAtMs: terms.lightning.expiresAtMs,
            paymentHash: terms.lightning.paymentHash,
          },
    externalId: input.externalId ?? null,
    description: input.description ?? null,
  };
}

/** What a valid line pays, out of what was kept of it. */
export function termsOf(kept: KeptTerms): PayoutTerms {
  return {
    destination: kept.destination,
    destinationKind: kept.destinationKind,
    script: kept.script === null ? null : fromHex(kept.script),
    amountMsat: BigInt(kept.amountMsat),
    price: kept.price,
    feeFrom: kept.feeFrom,
    maxFeeShareSats: BigInt(kept.maxFeeShareSats),
    lightning:
      kept.lightning === null ? null : { ...kept.lightning, maxFeeMsat: null, strategy: null },
  };
}
