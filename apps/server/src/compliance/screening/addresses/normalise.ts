import { addressToScript } from '@quittance/bitcoin';

/** Longest address of any asset that lists have: Monero's integrated ones have 106 letters. */
const MAX_LETTERS = 150;

/** Assets whose addresses have Bitcoin's form: OFAC writes XBT, tagpacks BTC. */
const BITCOIN = new Set(['XBT', 'BTC']);

/**
 * An address as it is compared. Bech32 (BIP173: any case, not mixed) and hexadecimal addresses
 * (EIP-55's capitals are a checksum) compare in small letters; base58 compares exactly.
 * So do public keys of Lightning nodes, domains and Lightning addresses, which lists have beside.
 * @returns null for what can be no address: blanks, signs, too long, bech32 in mixed case
 */
export function normaliseAddress(text: string): string | null {
  return isPlain(text) ? text : normaliseSlowly(text);
}

/** Whether an address is one already as it is compared; most are, and look-ups are many. */
function isPlain(text: string): boolean {
  if (text.length === 0 || text.length > MAX_LETTERS) return false;
  let capitals = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const capital = code >= 65 && code <= 90;
    if (!capital && !(code >= 97 && code <= 122) && !(code >= 48 && code <= 57)) return false;
    capitals ||= capital;
  }
  // Without capitals every form is as it is compared; of the others, base58 of Bitcoin's.
  return !capitals || text.startsWith('1') || text.startsWith('3');
}

function normaliseSlowly(text: string): string | null {
  if (/[.@]/.test(text)) return normaliseDomain(text);
  const plain = text.trim().replace(/^(?:bitcoin|bitcoincash|litecoin|ethereum):/i, '');
  if (plain === '' || plain.length > MAX_LETTERS || !/^[A-Za-z0-9]+$/.test(plain)) return null;
  const lower = plain.toLowerCase();
  if (/^(?:bc|tb|bcrt|ltc|tltc)1/.test(lower) && lower.length >= 14) {
    const mixed = plain !== lower && plain !== plain.toUpperCase();
    // A base58 address may begin with such letters only after its version's digit: none does.
    return mixed ? null : lower;
  }
  if (/^0x[0-9a-f]{40,64}$/.test(lower)) return lower;
  // A Lightning node's public key (BOLT 1): 33 bytes in hexadecimal.
  if (/^0[23][0-9a-f]{64}$/.test(lower)) return lower;
  return plain;
}

/**
 * A domain, or a Lightning address (LUD-16): capitals mean the same as small letters, and a dot at the
 * end of a domain is the root that every domain has.
 */
function normaliseDomain(text: string): string | null {
  const plain = text.trim().toLowerCase().replace(/\.$/, '');
  if (plain.length > MAX_LETTERS) return null;
  return DOMAIN.test(plain) ? plain : null;
}

const DOMAIN = /^(?:[a-z0-9._+-]{1,64}@)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

/** Whether an address that a list calls Bitcoin's is none: "XBT T…" is there, and is Tron's. */
export function isForeign(asset: string, address: string): boolean {
  if (!BITCOIN.has(asset.toUpperCase())) return false;
  return !addressToScript(normaliseAddress(address) ?? address, 'mainnet').ok;
}
