import { assert, MAX_SATS, type Msats, MSATS_PER_SAT } from '@quittance/kernel';
import { Bolt11Refusal } from './bolt11-refusal.ts';

/** Millisatoshis of one unit, by multiplier, largest first. Ten pico-bitcoin are one msat. */
const MULTIPLIERS: readonly (readonly [letter: string, msats: bigint])[] = [
  ['', 100_000_000_000n],
  ['m', 100_000_000n],
  ['u', 100_000n],
  ['n', 100n],
];
const PICO_PER_MSAT = 10n;
/** 21 million bitcoin are 19 digits of millisatoshis, 20 of pico-bitcoin. */
const MAX_DIGITS = 20;

/**
 * Reads the amount of an invoice ("2500u"), exactly.
 * @throws {Bolt11Refusal} `amount`, or `amount_precision` for parts of a millisatoshi
 */
export function readAmount(text: string): Msats {
  const match = /^([1-9][0-9]*)([munp]?)$/.exec(text);
  if (match === null) {
    throw new Bolt11Refusal('amount', `the invoice's amount "${text.slice(0, 30)}" is no amount`);
  }
  const [, digits = '', letter = ''] = match;
  if (digits.length > MAX_DIGITS) throw tooLarge();
  const number = BigInt(digits);
  const msats = letter === 'p' ? picoToMsats(number) : number * unitOf(letter);
  if (msats > MAX_SATS * MSATS_PER_SAT) throw tooLarge();
  return msats;
}

/** Writes an amount in the shortest way, which BOLT 11 asks for: 250,000,000 msat are "2500u". */
export function writeAmount(amountMsat: Msats): string {
  const isPossible = amountMsat > 0n && amountMsat <= MAX_SATS * MSATS_PER_SAT;
  assert(isPossible, 'writeAmount: the amount is out of range');
  for (const [letter, unit] of MULTIPLIERS) {
    if (amountMsat % unit === 0n) return `${amountMsat / unit}${letter}`;
  }
  return `${amountMsat * PICO_PER_MSAT}p`;
}

function picoToMsats(pico: bigint): Msats {
  if (pico % PICO_PER_MSAT !== 0n) {
    throw new Bolt11Refusal(
      'amount_precision',
      'the invoice asks for a fraction of a millisatoshi, which nobody can pay',
    );
  }
  return pico / PICO_PER_MSAT;
}

function unitOf(letter: string): bigint {
  const unit = MULTIPLIERS.find(([each]) => each === letter)?.[1];
  assert(unit !== undefined, 'readAmount: a letter without a meaning');
  return unit;
}

function tooLarge(): Bolt11Refusal {
  return new Bolt11Refusal('amount', 'the invoice asks for more bitcoin than there will be');
}
