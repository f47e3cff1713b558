import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as ldk from 'lightningdevkit';

/** Loads the WebAssembly module; once in a process, before anything else of LDK is used. */
export async function loadLdk(): Promise<void> {
  const index = import.meta.resolve('lightningdevkit');
  const wasm = new URL('liblightningjs.wasm', index);
  await ldk.initializeWasmFromBinary(new Uint8Array(readFileSync(fileURLToPath(wasm))));
}

/** LDK said that something failed which we had reason to expect to work. */
export class LdkError extends Error {
  override readonly name = 'LdkError';
}

/** The value of a `Result_…`; its two classes share no type that says so. */
export function unwrap<T>(result: { is_ok(): boolean }, what: string): T {
  if (!result.is_ok()) {
    throw new LdkError(`${what}: ${describe(errorOf(result))}`);
  }
  return (result as { is_ok(): boolean; res: T }).res;
}

export const errorOf = (result: object): unknown => Reflect.get(result, 'err');

/** The name of an error's class and the texts in it. */
export function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const words = Object.values(error).filter((value) => typeof value === 'string');
  const name = error.constructor.name;
  return words.length === 0 ? name : `${name} (${words.join(', ')})`;
}

/** The bindings tell None of a nullable object by a null pointer, which their types hide. */
export const isNull = (value: object): boolean => Reflect.get(value, 'ptr') === 0n;

/**
 * Some calls keep a reference to their argument each time they are made: with the event handler
 * that is asked to handle events all day, this grows for ever.
 */
export function forgetReferences(holder: object, kept = 0): void {
  const references: unknown = Reflect.get(holder, 'ptrs_to');
  if (Array.isArray(references)) references.length = Math.min(references.length, kept);
}

/** Takes one reference out, of something that is not used any more. */
export function forgetReference(holder: object, reference: object): void {
  const references: unknown = Reflect.get(holder, 'ptrs_to');
  if (!Array.isArray(references)) return;
  const at = references.indexOf(reference);
  if (at >= 0) references.splice(at, 1);
}

export const someU64 = (value: bigint | null): ldk.Option_u64Z =>
  value === null ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(value);

/** The bindings give a u64 of 2^63 and more as a negative number. */
export const u64Of = (option: ldk.Option_u64Z): bigint | null =>
  option instanceof ldk.Option_u64Z_Some ? BigInt.asUintN(64, option.some) : null;

export const u32Of = (option: ldk.Option_u32Z): number | null =>
  option instanceof ldk.Option_u32Z_Some ? option.some : null;

export const bytes32Of = (option: ldk.Option_ThirtyTwoBytesZ): Uint8Array | null =>
  option instanceof ldk.Option_ThirtyTwoBytesZ_Some ? option.some : null;

/**
 * `800000x12x1`: block, transaction, output (BOLT7). An alias that a peer has chosen at random uses
 * all 64 bits, which the bindings give as a negative number.
 */
export function formatScid(given: bigint): string {
  const scid = BigInt.asUintN(64, given);
  return `${scid >> 40n}x${(scid >> 16n) & 0xff_ffffn}x${scid & 0xffffn}`;
}

/** The bindings give 0 and 1 where their types say boolean. */
export const flag = (value: boolean): boolean => Number(value) === 1;

/** The name of a value of one of LDK's enums, without its prefix. */
export function enumName(values: object, value: number): string {
  const name: unknown = Reflect.get(values, value);
  return typeof name === 'string' ? name.replace(/^LDK[A-Za-z0-9]+_/, '') : String(value);
}
