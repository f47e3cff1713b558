import { assert, type Sats, unreachable } from '@quittance/kernel';
import type { Descriptor, DescriptorKind } from '../descriptors/descriptor.ts';
import { feeFor } from '../fees/fee-rate.ts';
import { classifyScript } from '../scripts.ts';

/** What spending one output adds to a transaction. Share one value between the coins of a kind. */
export interface InputSize {
  /** Outpoint, script with its length, sequence: counted four times (BIP141). */
  readonly baseBytes: number;
  /** Witness stack with its counts: counted once. 0 for an input without a witness. */
  readonly witnessBytes: number;
}

/** What a wallet's own outputs cost to make and to spend. */
export interface DescriptorSizes {
  readonly input: InputSize;
  /** Weight of an output that pays to it. */
  readonly outputWeight: number;
  readonly dustLimitSats: Sats;
}

/**
 * How long an ECDSA signature is reckoned, with its sighash byte. `any`: 72 bytes, the longest that
 * nodes relay (low S, BIP146). `low_r`: 71 bytes, for signers that are known to try until R is
 * short, as Bitcoin Core and our own signer do. A plan with `low_r` that another signer signs can
 * fall short of its rate by a quarter virtual byte for each signature.
 */
export type SignatureSizes = 'any' | 'low_r';

type SizedDescriptor = Pick<Descriptor, 'kind' | 'threshold'> & { keys: readonly unknown[] };

const OUTPOINT_AND_SEQUENCE = 36 + 4;
const KEY_PUSH = 1 + 33;
/** Schnorr signature with the default sighash (BIP341), its length, the count of the stack. */
const KEY_PATH_WITNESS = 1 + 1 + 64;
const VALUE_BYTES = 8;
/** Marker and flag of the segwit form (BIP144). */
export const SEGWIT_WEIGHT = 2;
const WITNESS_SCALE = 4;
/** An output is dust when spending it costs more than it is worth at this rate (Bitcoin Core). */
const DUST_FEE_RATE = 3_000n;
/** Bitcoin Core's estimate of an input that spends a witness program: 32 + 4 + 1 + 107 / 4 + 4. */
const DUST_WITNESS_INPUT = 67;
const DUST_LEGACY_INPUT = 148;
const OP_RETURN = 0x6a;
/** Longer scripts can never be spent. */
const MAX_SCRIPT_BYTES = 10_000;

/** Bytes of a count or length as Bitcoin writes it (compact size). */
export function compactSizeBytes(value: number): number {
  if (value < 0xfd) return 1;
  return value <= 0xffff ? 3 : 5;
}

/** Sizes of what a descriptor's scripts cost to fund and to spend, at most. */
export function descriptorSizes(
  descriptor: SizedDescriptor,
  options: { signatures?: SignatureSizes } = {},
): DescriptorSizes {
  const signature = options.signatures === 'low_r' ? 71 : 72;
  const scriptBytes = scriptLength(descriptor.kind);
  return {
    input: inputSize(descriptor, signature),
    outputWeight: WITNESS_SCALE * outputBytes(scriptBytes),
    dustLimitSats: dustOf(scriptBytes, isWitnessKind(descriptor.kind)),
  };
}

/** Weight of an output. */
export function outputWeight(script: Uint8Array): number {
  return WITNESS_SCALE * outputBytes(script.length);
}

/**
 * The least amount that nodes relay for an output (Bitcoin Core: GetDustThreshold at 3 sat/vB): 294
 * for P2WPKH, 330 for P2WSH and P2TR, 540 for P2SH, 546 for P2PKH, 0 for data.
 */
export function dustLimit(script: Uint8Array): Sats {
  if (script[0] === OP_RETURN || script.length > MAX_SCRIPT_BYTES) return 0n;
  const parts = classifyScript(script);
  return dustOf(script.length, parts !== null && 'program' in parts);
}

/** Weight of one input, as it counts beside inputs with a witness. */
export function inputWeight({ baseBytes, witnessBytes }: InputSize): number {
  return WITNESS_SCALE * baseBytes + Math.max(witnessBytes, 1);
}

/** Exact weight of a transaction (BIP141) with these inputs and outputs of this weight together. */
export function transactionWeight(
  inputs: Iterable<InputSize>,
  outputs: { count: number; weight: number },
): number {
  const totals = { inputs: 0, withWitness: 0, base: 0, witness: 0 };
  for (const input of inputs) {
    totals.inputs += 1;
    if (input.witnessBytes > 0) totals.withWitness += 1;
    totals.base += input.baseBytes;
    totals.witness += Math.max(input.witnessBytes, 1);
  }
  const counts = compactSizeBytes(totals.inputs) + compactSizeBytes(outputs.count);
  const fixed = WITNESS_SCALE * (4 + counts + 4);
  const witness = totals.withWitness > 0 ? SEGWIT_WEIGHT + totals.witness : 0;
  return fixed + WITNESS_SCALE * totals.base + outputs.weight + witness;
}

/** Size that fees are counted on: a quarter of the weight, rounded up (BIP141). */
export function vsizeOf(weight: number): number {
  return Math.ceil(weight / WITNESS_SCALE);
}

function inputSize(descriptor: SizedDescriptor, signature: number): InputSize {
  const { kind } = descriptor;
  const baseBytes = OUTPOINT_AND_SEQUENCE + 1;
  const keyHashWitness = 1 + 1 + signature + KEY_PUSH;
  switch (kind) {
    case 'pkh':
      return { baseBytes: baseBytes + 1 + signature + KEY_PUSH, witnessBytes: 0 };
    case 'wpkh':
      return { baseBytes, witnessBytes: keyHashWitness };
    case 'sh_wpkh':
      return { baseBytes: baseBytes + 1 + 22, witnessBytes: keyHashWitness };
    case 'tr':
      return { baseBytes, witnessBytes: KEY_PATH_WITNESS };
    case 'wsh_multi':
    case 'wsh_sortedmulti':
      return { baseBytes, witnessBytes: multisigWitness(descriptor, signature) };
    case 'sh_wsh_multi':
    case 'sh_wsh_sortedmulti':
      return {
        baseBytes: baseBytes + 1 + 34,
        witnessBytes: multisigWitness(descriptor, signature),
      };
    default:
      return unreachable(kind);
  }
}

/** Count, the empty element that CHECKMULTISIG takes off, the signatures, the script. */
function multisigWitness({ threshold, keys }: SizedDescriptor, signature: number): number {
  assert(threshold !== null, 'multisigWitness: a multisig has a threshold');
  const script = smallNumberBytes(threshold) + 34 * keys.length + smallNumberBytes(keys.length) + 1;
  const items = 1 + threshold + 1;
  return (
    compactSizeBytes(items) + 1 + threshold * (1 + signature) + compactSizeBytes(script) + script
  );
}

/** OP_1 to OP_16 are one byte, larger numbers a push of one. */
function smallNumberBytes(value: number): number {
  return value <= 16 ? 1 : 2;
}

function scriptLength(kind: DescriptorKind): number {
  switch (kind) {
    case 'pkh':
      return 25;
    case 'wpkh':
      return 22;
    case 'sh_wpkh':
    case 'sh_wsh_multi':
    case 'sh_wsh_sortedmulti':
      return 23;
    case 'tr':
    case 'wsh_multi':
    case 'wsh_sortedmulti':
      return 34;
    default:
      return unreachable(kind);
  }
}

function isWitnessKind(kind: DescriptorKind): boolean {
  return kind === 'wpkh' || kind === 'tr' || kind.startsWith('wsh_');
}

function outputBytes(scriptBytes: number): number {
  return VALUE_BYTES + compactSizeBytes(scriptBytes) + scriptBytes;
}

function dustOf(scriptBytes: number, isWitness: boolean): Sats {
  const input = isWitness ? DUST_WITNESS_INPUT : DUST_LEGACY_INPUT;
  return feeFor(DUST_FEE_RATE, outputBytes(scriptBytes) + input);
}
