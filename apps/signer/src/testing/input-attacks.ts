import type { SignParams } from '../protocol.ts';
import { entriesOf, GLOBAL, INPUT, type PsbtEntry, parsePsbt, formatPsbt } from '../psbt/psbt.ts';
import { join, uint32, uint64, vector } from '../psbt/sighash.ts';
import { HARDENED, ownScript } from '../wallets.ts';
import { type Attack, attack, tamper } from './attacks.ts';
import { type Case, type Cast, coinsOf, honestReturn, MAX_INPUTS, toParams } from './cases.ts';
import { derivation, entry, makeCoin, witnessUtxo } from './requests.ts';

const TYPES = { plain: INPUT.bip32Derivation, taproot: INPUT.tapBip32Derivation };
const isTaproot = ({ draft }: Case) => draft.wallet.descriptor.kind === 'tr';

/** Changes the map of one input. */
function editInput(good: Case, cast: Cast, change: (map: PsbtEntry[], vin: number) => PsbtEntry[]) {
  const vin = cast.random.below(good.draft.coins.length);
  good.draft.edit = ({ inputs }) => {
    inputs[vin] = change(inputs[vin] ?? [], vin);
  };
}

const without = (map: PsbtEntry[], ...types: number[]) =>
  map.filter(({ type }) => !types.includes(type));

/** NONE, SINGLE, and all of them with ANYONECANPAY. */
const WEAK_SIGHASHES = [0x02, 0x03, 0x81, 0x82, 0x83, 0x80, 0x41, 0xff];

const amountAttacks: readonly Attack[] = [
  tamper('input that lies about its amount', 'input_amount_wrong', (good, cast) => {
    if (isTaproot(good)) return null;
    return editInput(good, cast, (map, vin) => {
      const coin = good.draft.coins[vin];
      if (coin === undefined) return map;
      const lie = { ...coin, amountSats: coin.amountSats / 2n };
      return [...without(map, INPUT.witnessUtxo), entry(INPUT.witnessUtxo, witnessUtxo(lie))];
    });
  }),
  tamper(
    'segwit amount without its proof (fee attack)',
    'previous_transaction_missing',
    (good, cast) => {
      if (isTaproot(good)) return null;
      return editInput(good, cast, (map) => without(map, INPUT.nonWitnessUtxo));
    },
  ),
  tamper('previous transaction with another amount', 'previous_transaction_wrong', (good, cast) => {
    if (isTaproot(good)) return null;
    return editInput(good, cast, (map, vin) => {
      const coin = good.draft.coins[vin];
      if (coin === undefined) return map;
      const raw = Buffer.from(coin.rawPrevious);
      const at = raw.indexOf(Buffer.from(witnessUtxo(coin)));
      raw.set(uint64(coin.amountSats / 3n), at);
      const rest = without(map, INPUT.nonWitnessUtxo, INPUT.witnessUtxo);
      return [...rest, entry(INPUT.nonWitnessUtxo, raw)];
    });
  }),
  tamper('previous transaction of something else', 'previous_transaction_wrong', (good, cast) => {
    if (isTaproot(good)) return null;
    const [other] = coinsOf(cast, good.draft.wallet, { count: 1, total: 5_000n });
    return editInput(good, cast, (map) => [
      ...without(map, INPUT.nonWitnessUtxo),
      entry(INPUT.nonWitnessUtxo, other?.rawPrevious ?? new Uint8Array()),
    ]);
  }),
  tamper('previous transaction that is garbage', 'previous_transaction_wrong', (good, cast) => {
    const garbage = cast.random.bytes(200);
    return editInput(good, cast, (map) => [
      ...without(map, INPUT.nonWitnessUtxo),
      entry(INPUT.nonWitnessUtxo, garbage),
    ]);
  }),
  tamper('nothing about the coin', 'previous_transaction_missing', (good, cast) =>
    editInput(good, cast, (map) => without(map, INPUT.nonWitnessUtxo, INPUT.witnessUtxo)),
  ),
];

const FOREIGN_WALLET = [
  'input_path_missing',
  'input_not_ours',
  'previous_transaction_missing',
] as const;

const ownershipAttacks: readonly Attack[] = [
  tamper('foreign input', ['input_path_missing', 'input_not_ours'], (good, cast) => {
    addForeign(good, cast, false);
  }),
  tamper('foreign input that claims our path', 'input_not_ours', (good, cast) => {
    addForeign(good, cast, true);
  }),
  tamper('path of another index', 'input_not_ours', (good, cast) =>
    restate(good, cast, (coin) => ({ branch: coin.branch, index: coin.index + 1 })),
  ),
  tamper('path of the other branch', 'input_not_ours', (good, cast) =>
    restate(good, cast, (coin) => ({ branch: 1 - coin.branch, index: coin.index })),
  ),
  tamper('path of a branch that is not', 'input_path_missing', (good, cast) =>
    editOrigin(good, cast, (path) => path.with(-2, 2)),
  ),
  tamper('hardened path', 'input_path_missing', (good, cast) =>
    editOrigin(good, cast, (path) => path.with(-1, (path.at(-1) ?? 0) + HARDENED)),
  ),
  tamper('deeper path', 'input_path_missing', (good, cast) =>
    editOrigin(good, cast, (path) => [...path, 0]),
  ),
  tamper('path of another account', 'input_path_missing', (good, cast) =>
    editOrigin(good, cast, (path) => path.with(2, 7 + HARDENED)),
  ),
  tamper('no path', 'input_path_missing', (good, cast) =>
    editInput(good, cast, (map) => without(map, TYPES.plain, TYPES.taproot)),
  ),
  tamper('fingerprint of somebody else', 'input_path_missing', (good, cast) =>
    editInput(good, cast, (map) =>
      map.map((each) => {
        if (each.type !== TYPES.plain && each.type !== TYPES.taproot) return each;
        const value = Uint8Array.from(each.value);
        const at = each.type === TYPES.taproot ? 1 : 0;
        value[at] = (value[at] ?? 0) ^ 0xff;
        return { ...each, value };
      }),
    ),
  ),
  tamper('the same coin twice', 'input_duplicate', (good) => {
    const [coin] = good.draft.coins;
    if (coin !== undefined) good.draft.coins.push(coin);
  }),
  tamper('too many inputs', 'too_many_inputs', (good, cast) => {
    const more = MAX_INPUTS + 1 - good.draft.coins.length;
    good.draft.coins.push(
      ...coinsOf(cast, good.draft.wallet, { count: more, total: BigInt(more) * 1_000n }),
    );
  }),
  tamper('wallet of another name', FOREIGN_WALLET, (good, cast) => {
    const others = cast.wallets.filter(({ name }) => name !== good.draft.wallet.name);
    const other = cast.random.pick(others);
    const wallet = { ...good.draft.wallet };
    Object.assign(wallet, { name: other.name });
    good.draft.wallet = wallet;
  }),
  attack('wallet that is not', 'unknown_wallet', (good) => ({ ...toParams(good), wallet: 'none' })),
];

const formAttacks: readonly Attack[] = [
  ...WEAK_SIGHASHES.map((type) =>
    tamper(
      `sighash type ${type.toString(16).padStart(2, '0')}`,
      'sighash_forbidden',
      (good, cast) =>
        editInput(good, cast, (map) => [
          ...without(map, INPUT.sighashType),
          entry(INPUT.sighashType, uint32(type)),
        ]),
    ),
  ),
  tamper('script of somebody else', 'input_script_wrong', (good, cast) => {
    const script = cast.random.bytes(34);
    const types = [
      INPUT.redeemScript,
      INPUT.witnessScript,
      INPUT.tapInternalKey,
      INPUT.tapMerkleRoot,
    ];
    const type = cast.random.pick(types);
    return editInput(good, cast, (map) => [...without(map, type), entry(type, script)]);
  }),
  tamper('script path', 'input_script_wrong', (good, cast) =>
    editInput(good, cast, (map) => [
      ...map,
      entry(INPUT.tapLeafScript, cast.random.bytes(40), cast.random.bytes(33)),
    ]),
  ),
  tamper('input that is final already', 'psbt_already_final', (good, cast) =>
    editInput(good, cast, (map) => [...map, entry(INPUT.finalScriptWitness, Uint8Array.of(0))]),
  ),
  tamper('lock time far ahead', 'locktime_too_far', (good, cast) => {
    good.draft.locktime = Math.floor(cast.nowMs() / 1_000) + 86_400;
  }),
  tamper('relative lock', 'locktime_too_far', (good, cast) => {
    good.draft.sequence = cast.random.below(0x400000);
  }),
  tamper('version 1', 'transaction_version', (good) => {
    good.draft.version = 1;
  }),
  tamper('consolidation that pays somebody', 'output_unknown', (good) => {
    good.kind = 'consolidation';
    good.payouts = [];
  }),
  tamper('consolidation that names payouts', 'payouts_not_fitting_kind', (good) => {
    good.kind = 'consolidation';
  }),
  tamper('payouts without any', 'payouts_not_fitting_kind', (good, cast) => {
    Object.assign(good, honestReturn(cast, good.draft.wallet, 'bump-child'), { kind: 'payouts' });
  }),
  tamper('cancelling what was never signed', 'nothing_to_cancel', (good) => {
    good.kind = 'cancel';
    good.draft.outputs = good.draft.outputs.filter((each) => each.place !== undefined);
  }),
  tamper('the same payout twice', 'duplicate_payout', (good) => {
    const [payout] = good.payouts;
    if (payout !== undefined) good.payouts.push(payout);
  }),
];

const byteAttacks: readonly Attack[] = [
  bytes('bytes left over', ['psbt_malformed'], (psbt) => join(psbt, Uint8Array.of(0))),
  bytes('truncated', ['psbt_malformed'], (psbt, cast) =>
    psbt.subarray(0, cast.random.below(psbt.length)),
  ),
  bytes('another magic', ['psbt_malformed'], (psbt) => join(Uint8Array.of(0x71), psbt.subarray(1))),
  bytes('garbage', ['psbt_malformed'], (_, cast) =>
    cast.random.bytes(1 + cast.random.below(5_000)),
  ),
  bytes('a count that lies', ['psbt_malformed'], (psbt) =>
    join(psbt.subarray(0, 5), Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff), psbt.subarray(6)),
  ),
  map('version 2 of PSBT', (global) => [...global, entry(GLOBAL.version, uint32(2))]),
  map('a key twice', (global) => [...global, ...global]),
  map('no transaction', () => []),
  map('signatures in the unsigned transaction', (global) =>
    global.map((each) => {
      if (each.type !== GLOBAL.unsignedTx) return each;
      // The first script's length is at 4 + 1 + 36; one byte of script follows.
      const raw = each.value;
      return { ...each, value: join(raw.slice(0, 41), vector(Uint8Array.of(0x51)), raw.slice(42)) };
    }),
  ),
  attack('not base64', 'psbt_malformed', (good) => ({ ...toParams(good), psbt: '!!!!' })),
  ...(
    [
      ['amount as a number', { amountSats: 5 }],
      ['negative amount', { amountSats: '-5' }],
      ['amount of nothing', { amountSats: '0' }],
      ['amount beyond all bitcoin', { amountSats: '2100000000000001' }],
      ['amount with a leading zero', { amountSats: '0100000' }],
      ['id that is no UUID', { payoutId: 'x' }],
      ['script that is too long', { script: '00'.repeat(500) }],
      ['field that nobody knows', { unlimited: true }],
    ] as const
  ).map(([name, fields]) =>
    attack(name, 'request_malformed', (good) => {
      const params = toParams(good);
      const payouts = params.payouts.map((each, i) => (i === 0 ? { ...each, ...fields } : each));
      return { ...params, payouts } as unknown as SignParams;
    }),
  ),
];

/** Everything about inputs, the transaction's form and the bytes. */
export const inputAttacks: readonly Attack[] = [
  ...amountAttacks,
  ...ownershipAttacks,
  ...formAttacks,
  ...byteAttacks,
];

function bytes(
  name: string,
  codes: Attack['codes'],
  change: (psbt: Uint8Array, cast: Cast) => Uint8Array,
): Attack {
  return attack(`PSBT: ${name}`, codes, (good, cast) => {
    const params = toParams(good);
    const changed = change(Uint8Array.from(Buffer.from(params.psbt, 'base64')), cast);
    return { ...params, psbt: Buffer.from(changed).toString('base64') };
  });
}

function map(name: string, change: (global: PsbtEntry[]) => PsbtEntry[]): Attack {
  return bytes(name, ['psbt_malformed'], (raw) => {
    const psbt = parsePsbt(raw);
    return formatPsbt({ ...psbt, global: change([...psbt.global]) });
  });
}

/** A coin of somebody else among ours: we would pay its fee, or lend it our signature's shape. */
function addForeign(good: Case, cast: Cast, claimsOurs: boolean): void {
  const { wallet, coins } = good.draft;
  const { kind } = wallet.descriptor;
  const other = cast.strangers.find((each) => each.descriptor.kind === kind);
  if (other === undefined) throw new Error('there is a stranger of each type');
  const at = { branch: 0, index: 3, amountSats: 70_000n, salt: cast.salt() };
  const coin = makeCoin(other, at);
  const vin = coins.length;
  coins.push(coin);
  good.draft.edit = ({ inputs }) => {
    const kept = without(
      inputs[vin] ?? [],
      ...[INPUT.bip32Derivation, INPUT.tapBip32Derivation, INPUT.tapInternalKey],
      ...[INPUT.redeemScript, INPUT.witnessScript],
    );
    const owner = claimsOurs ? wallet : other;
    inputs[vin] = [...kept, derivation(owner, ownScript(owner, at), TYPES)];
  };
}

/** States another place for a coin than the one it is at. */
function restate(
  good: Case,
  cast: Cast,
  place: (coin: Case['draft']['coins'][number]) => { branch: number; index: number },
) {
  const { wallet } = good.draft;
  return editInput(good, cast, (entries, vin) => {
    const coin = good.draft.coins[vin];
    if (coin === undefined) return entries;
    const own = ownScript(wallet, place(coin));
    return [...without(entries, TYPES.plain, TYPES.taproot), derivation(wallet, own, TYPES)];
  });
}

/** Changes the stated path and leaves the key. */
function editOrigin(good: Case, cast: Cast, change: (path: number[]) => number[]) {
  return editInput(good, cast, (entries, vin) => {
    const coin = good.draft.coins[vin];
    const { wallet } = good.draft;
    if (coin === undefined) return entries;
    const [stated] = entriesOf(entries, isTaproot(good) ? TYPES.taproot : TYPES.plain);
    if (stated === undefined) return entries;
    const skipped = isTaproot(good) ? 5 : 4;
    const path = change([...wallet.accountPath, coin.branch, coin.index]);
    const value = join(stated.value.slice(0, skipped), ...path.map(uint32));
    return [...without(entries, stated.type), { ...stated, value }];
  });
}
