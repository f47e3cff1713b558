import type { Network } from '../networks.ts';
import {
  type Descriptor,
  type DescriptorKind,
  describe,
  guardText,
  type ParsedDescriptor,
  readDescriptor,
  refusalAsValue,
} from './descriptor.ts';
import type { Slip132Use } from './extended-key.ts';
import { type KeyExpression, parseKeyExpression } from './key-expression.ts';
import { DescriptorRefusal } from './refusal.ts';

/** Script types of a wallet with one key. */
export type SingleKeyType = 'pkh' | 'sh_wpkh' | 'wpkh' | 'tr';

/** What the purpose step of a key origin says (BIP44, BIP49, BIP84, BIP86). */
const PURPOSES: ReadonlyMap<string, SingleKeyType> = new Map([
  ['44h', 'pkh'],
  ['49h', 'sh_wpkh'],
  ['84h', 'wpkh'],
  ['86h', 'tr'],
]);

/** Branch 0 receives and branch 1 takes change (BIP44). */
const STANDARD_BRANCHES = [0, 1];

/**
 * Reads what a merchant gives to receive money: a public descriptor with a wildcard, or a bare
 * extended public key. zpub and ypub are turned into wpkh() and sh(wpkh()) over xpub; of a bare
 * xpub the type must be known from its origin (BIP44, 49, 84, 86) or from `scriptType`. A bare key
 * without a path gets the standard branches, `/<0;1>/*`.
 *
 * Anything that holds a private key is refused with `private_key`. No reason repeats the input.
 */
export function parseReceivingDescriptor(
  text: string,
  network: Network,
  options: { scriptType?: SingleKeyType } = {},
): ParsedDescriptor {
  return refusalAsValue(() => {
    guardText(text);
    const isDescriptor = text.includes('(');
    const descriptor = isDescriptor
      ? readDescriptor(text, network)
      : readBareKey(text.trim(), network, options.scriptType);
    if (!descriptor.keys.every((key) => key.isRanged)) {
      const reason =
        'every key must end in a wildcard, such as /<0;1>/*, so that each order gets its own address';
      throw new DescriptorRefusal('not_ranged', reason);
    }
    if (descriptor.branches > 2) {
      throw new DescriptorRefusal('unsupported', 'at most two branches, such as <0;1>, are used');
    }
    return descriptor;
  });
}

function readBareKey(text: string, network: Network, hint?: SingleKeyType): Descriptor {
  const { key, use } = parseKeyExpression(text, { network, allowXOnly: false });
  const kind = singleKeyKind(key, use, hint);
  const isAccount = key.extended !== null && key.steps.length === 0 && !key.isRanged;
  const ranged = isAccount ? { ...key, steps: [STANDARD_BRANCHES], isRanged: true } : key;
  return describe({ network, kind, threshold: null, keys: [ranged] });
}

/** Every statement about the script type must agree: key version, origin, explicit choice. */
function singleKeyKind(
  key: KeyExpression,
  use: Slip132Use,
  hint: SingleKeyType | undefined,
): DescriptorKind {
  if (use === 'wsh' || use === 'sh_wsh') {
    const reason =
      "this is one co-signer's key of a multisig wallet; give the whole descriptor, such as " +
      'wsh(sortedmulti(2,KEY,KEY,KEY))';
    throw new DescriptorRefusal('unsupported', reason);
  }
  const purpose = PURPOSES.get(key.origin?.path.split('/')[0] ?? '');
  const claims = new Set([use ?? undefined, hint, purpose].filter((each) => each !== undefined));
  if (claims.size > 1) {
    const reason = "the key's prefix, its origin and the chosen script type contradict each other";
    throw new DescriptorRefusal('invalid', reason);
  }
  const [kind] = claims;
  if (kind !== undefined) return kind;
  const reason =
    'an extended public key alone does not say which addresses it makes; write wpkh(KEY/<0;1>/*) ' +
    'for native segwit, tr(KEY/<0;1>/*) for Taproot, sh(wpkh(KEY/<0;1>/*)) for nested segwit';
  throw new DescriptorRefusal('script_type_needed', reason);
}
