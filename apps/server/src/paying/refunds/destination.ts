import { addressToScript, type Network } from '@quittance/bitcoin';

export type Destination =
  | { ok: true; address: string; script: Uint8Array }
  | { ok: false; code: DestinationFault; reason: string };

/** Why an address can not be paid: stable codes, each with words of its own on the claim page. */
export const destinationFaults = [
  'empty',
  'wrong_network',
  'not_an_address',
  'unknown_type',
  'own_address',
] as const;
export type DestinationFault = (typeof destinationFaults)[number];

/**
 * Reads what a person put in as an address: base58 (P2PKH, P2SH), bech32 (P2WPKH, P2WSH) or
 * bech32m (P2TR), with or without `bitcoin:` before it. Witness versions without a meaning yet are
 * refused: anybody could spend what is paid to them (BIP350).
 */
export function readDestination(text: string, network: Network): Destination {
  const address =
    text
      .trim()
      .replace(/^bitcoin:/i, '')
      .split('?', 1)[0] ?? '';
  if (address === '') return { ok: false, code: 'empty', reason: 'an address is needed' };
  const parsed = addressToScript(address, network);
  if (!parsed.ok) {
    const code = parsed.code === 'wrong_network' ? 'wrong_network' : 'not_an_address';
    return { ok: false, code, reason: parsed.reason };
  }
  if (parsed.kind === 'witness_unknown') {
    const reason = 'this kind of address has no meaning yet; what is paid to it could be lost';
    return { ok: false, code: 'unknown_type', reason };
  }
  // BIP173: QR codes hold capitals; everywhere else the small letters are usual.
  const usual = /^(bc|tb|bcrt)1/i.test(address) ? address.toLowerCase() : address;
  return { ok: true, address: usual, script: parsed.script };
}
