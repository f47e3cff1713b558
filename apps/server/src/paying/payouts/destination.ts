import type { DestinationType } from '@quittance/contract';
import { addressToScript, type Network } from '@quittance/bitcoin';
import { type Sats, unreachable } from '@quittance/kernel';

export type Destination =
  | { readonly ok: true; readonly script: Uint8Array; readonly type: DestinationType }
  | { readonly ok: false; readonly reason: string };

/** Reads where a payout goes, and refuses what must not be paid. */
export function readDestination(address: string, network: Network): Destination {
  const parsed = addressToScript(address, network);
  if (!parsed.ok) return { ok: false, reason: parsed.reason };
  if (parsed.kind === 'witness_unknown') {
    // Whoever mines it may take such an output until a soft fork gives the version a meaning.
    return { ok: false, reason: 'the address has a witness version that has no owner yet' };
  }
  return { ok: true, script: parsed.script, type: parsed.kind };
}

/**
 * The least that an output of this kind may hold: nodes drop less as dust (Bitcoin Core,
 * GetDustThreshold at its default of 3 sat/vB: the bytes of the output and of the input that
 * spends it).
 */
export function dustSats(type: DestinationType): Sats {
  switch (type) {
    case 'p2pkh':
      return 546n;
    case 'p2sh':
      return 540n;
    case 'p2wpkh':
      return 294n;
    case 'p2wsh':
    case 'p2tr':
      return 330n;
    default:
      return unreachable(type);
  }
}
