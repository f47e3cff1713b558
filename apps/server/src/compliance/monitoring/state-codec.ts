import { assert } from '@quittance/kernel';

/** How an amount reads in the JSON of a state; no subject and no id looks like it. */
const AMOUNT = /^-?[0-9]+n$/;

/** A state as the database keeps it: JSON, in which amounts are text such as "950000n". */
export function encodeState(state: unknown): string {
  return JSON.stringify(state, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    assert(typeof value !== 'string' || !AMOUNT.test(value), 'a text that reads like an amount');
    return value;
  });
}

/** The reverse, of JSON that the database has parsed. */
export function decodeState(value: unknown): unknown {
  if (typeof value === 'string') return AMOUNT.test(value) ? BigInt(value.slice(0, -1)) : value;
  if (Array.isArray(value)) return value.map(decodeState);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, decodeState(each)]));
}
