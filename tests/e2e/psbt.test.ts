import { randomFillSync } from 'node:crypto';
import {
  addressToScript,
  antiFeeSniping,
  buildPsbt,
  checkSignedPsbt,
  combinePsbts,
  type Descriptor,
  deriveAddress,
  deriveScript,
  descriptorSizes,
  finalizePsbt,
  outputWeight,
  parseDescriptor,
  parseTransaction,
  psbtToBase64,
  selectCoins,
  shuffled,
  transactionWeight,
  verifyMessage,
  vsizeOf,
} from '@quittance/bitcoin';
import { fromHex, type Random, toHex } from '@quittance/kernel';
import { HDKey } from '@scure/bip32';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Regtest, startRegtest } from '../support/regtest.ts';

/**
 * PSBTs of ours, signed by another program (bitcoind's walletprocesspsbt), must be accepted, become
 * valid transactions and confirm, for every kind of wallet.
 */

const TEST_VERSIONS = { public: 0x043587cf, private: 0x04358394 };
const random: Random = (target) => randomFillSync(target);
const FEE_RATE = 7_000n;

let regtest: Regtest;

beforeAll(async () => {
  regtest = await startRegtest();
});

afterAll(async () => {
  await regtest.stop();
});

/** A wallet: its public descriptor, and the node's wallets that hold its keys, one key each. */
type Wallet = { descriptor: Descriptor; signers: string[] };

type Key = { origin: string; publicKey: string; privateKey: string };

function makeKey(path: string): Key {
  const root = HDKey.fromMasterSeed(random(new Uint8Array(32)), TEST_VERSIONS);
  const account = root.derive(`m/${path.replaceAll('h', "'")}`);
  const fingerprint = root.fingerprint.toString(16).padStart(8, '0');
  return {
    origin: `[${fingerprint}/${path}]`,
    publicKey: account.publicExtendedKey,
    privateKey: account.privateExtendedKey,
  };
}

/** @param write writes the descriptor of one text for each key */
async function makeWallet(
  name: string,
  keys: readonly Key[],
  write: (...keys: string[]) => string,
): Promise<Wallet> {
  const publicTexts = keys.map(({ origin, publicKey }) => `${origin}${publicKey}/<0;1>/*`);
  const parsed = parseDescriptor(write(...publicTexts), 'regtest');
  if (!parsed.ok) throw new Error(parsed.reason);
  const signers: string[] = [];
  for (const [i, signer] of keys.entries()) {
    const wallet = `${name}_${i}`;
    await regtest.rpc.call('createwallet', { wallet_name: wallet, blank: true });
    const requests = await Promise.all(
      [0, 1].map(async (branch) => {
        const texts = keys.map((key) => {
          const text = key === signer ? key.privateKey : key.publicKey;
          return `${key.origin}${text}/${branch}/*`;
        });
        const payload = write(...texts);
        const { checksum } = await regtest.rpc.call<{ checksum: string }>('getdescriptorinfo', [
          payload,
        ]);
        const desc = `${payload}#${checksum}`;
        return { desc, active: false, timestamp: 'now', range: [0, 20] };
      }),
    );
    const outcome = await regtest.rpc.walletCall<{ success: boolean }[]>(
      wallet,
      'importdescriptors',
      [requests],
    );
    expect(outcome.map(({ success }) => success)).toEqual([true, true]);
    signers.push(wallet);
  }
  return { descriptor: parsed.descriptor, signers };
}

const single = (name: string, path: string, write: (key: string) => string) => () =>
  makeWallet(name, [makeKey(path)], (key = '') => write(key));

const wallets: [string, () => Promise<Wallet>][] = [
  ['wpkh', single('wpkh', '84h/1h/0h', (key) => `wpkh(${key})`)],
  ['tr', single('tr', '86h/1h/0h', (key) => `tr(${key})`)],
  ['sh(wpkh)', single('nested', '49h/1h/0h', (key) => `sh(wpkh(${key}))`)],
  ['pkh', single('pkh', '44h/1h/0h', (key) => `pkh(${key})`)],
  [
    '2-of-3 wsh(sortedmulti)',
    () =>
      makeWallet(
        'multisig',
        [0, 1, 2].map(() => makeKey('48h/1h/0h/2h')),
        (...keys) => `wsh(sortedmulti(2,${keys.join(',')}))`,
      ),
  ],
  [
    '2-of-2 sh(wsh(multi))',
    () =>
      makeWallet(
        'nestedmultisig',
        [0, 1].map(() => makeKey('48h/1h/0h/1h')),
        (...keys) => `sh(wsh(multi(2,${keys.join(',')})))`,
      ),
  ],
];

type Funded = { previous: Uint8Array; vout: number; index: number; valueSats: bigint };

async function fund({ descriptor }: Wallet, amounts: readonly bigint[]): Promise<Funded[]> {
  const funded: Funded[] = [];
  for (const [index, amountSats] of amounts.entries()) {
    const address = deriveAddress(descriptor, { branch: 0, index });
    const txid = await regtest.sendTo(address, amountSats);
    const { hex } = await regtest.walletRpc<{ hex: string }>('gettransaction', [txid]);
    const previous = fromHex(hex);
    const script = toHex(deriveScript(descriptor, { branch: 0, index }));
    const vout = parseTransaction(previous).outputs.findIndex(
      (output) => toHex(output.script) === script,
    );
    funded.push({ previous, vout, index, valueSats: amountSats });
  }
  await regtest.mine(1);
  return funded;
}

/** Plans a payment of both coins and writes it down. */
async function pay({ descriptor }: Wallet, coins: readonly Funded[]) {
  const sizes = descriptorSizes(descriptor);
  const parsed = addressToScript(await regtest.newAddress(), 'regtest');
  if (!parsed.ok) throw new Error(parsed.reason);
  const { script } = parsed;
  const amountSats = 120_000n;
  const selection = selectCoins({
    coins: coins.map(({ valueSats, index }) => ({
      id: `${index}`,
      valueSats,
      input: sizes.input,
      unconfirmedDepth: 0,
    })),
    payments: [{ script, amountSats, feeFrom: 'sender' }],
    feeRate: FEE_RATE,
    longTermFeeRate: 10_000n,
    change: sizes,
    random,
  });
  if (!selection.ok) throw new Error(selection.reason);
  const { plan } = selection;
  const change = { descriptor, branch: 1, index: 0 };
  const changeScript = deriveScript(descriptor, change);
  const { changeSats } = plan;
  const outputs = shuffled(
    [
      { script, amountSats },
      ...(changeSats === null
        ? []
        : [{ script: changeScript, amountSats: changeSats, own: change }]),
    ],
    random,
  );
  const chain = await regtest.rpc.call<{ blocks: number; time: number }>('getblockchaininfo');
  const tip = { tipHeight: chain.blocks, tipTimeMs: chain.time * 1_000 };
  const inputs = plan.inputs.map(({ id }) => {
    const coin = coins.find(({ index }) => `${index}` === id);
    if (coin === undefined) throw new Error('a coin is unknown');
    return { ...coin, descriptor, branch: 0 };
  });
  const locktime = antiFeeSniping({ ...tip, nowMs: chain.time * 1_000, random });
  const psbt = buildPsbt({ inputs, outputs, locktime });
  return { psbt, plan, outputs };
}

async function sign(signer: string, psbt: Uint8Array, finalize: boolean): Promise<string> {
  const { psbt: signed } = await regtest.rpc.walletCall<{ psbt: string }>(
    signer,
    'walletprocesspsbt',
    [psbtToBase64(psbt), true, 'DEFAULT', true, finalize],
  );
  return signed;
}

test.each(wallets)(
  'a PSBT of %s that bitcoind signs is accepted, final, broadcast and confirmed',
  { timeout: 60_000 },
  async (_, make) => {
    const wallet = await make();
    const coins = await fund(wallet, [70_000n, 90_000n]);
    const { psbt, plan, outputs } = await pay(wallet, coins);
    expect(plan.inputs).toHaveLength(2);
    const needed = wallet.descriptor.threshold ?? 1;
    const signatures: string[] = [];
    for (const signer of wallet.signers.slice(-needed)) {
      // Of one key the node makes a finished input, of several each gives its part.
      signatures.push(await sign(signer, psbt, needed === 1));
    }
    const first = checkSignedPsbt(psbt, signatures[0] ?? '');
    expect(first).toMatchObject({ ok: true, added: 2, isComplete: needed === 1 });
    if (needed > 1 && first.ok) {
      expect(finalizePsbt(first.psbt)).toMatchObject({
        code: 'incomplete',
        missing: [
          { input: 0, have: 1, need: 2 },
          { input: 1, have: 1, need: 2 },
        ],
      });
    }
    const combined = combinePsbts(psbt, signatures);
    expect(combined).toMatchObject({ ok: true, added: 2 * needed, isComplete: true });
    if (!combined.ok) return;
    const final = finalizePsbt(combined.psbt);
    if (!final.ok) throw new Error(final.reason);
    const txid = await regtest.rpc.call<string>('sendrawtransaction', [toHex(final.raw), 0]);
    expect(txid).toBe(final.txid);
    const entry = await regtest.rpc.call<{ vsize: number; fees: { base: string } }>(
      'getmempoolentry',
      [txid],
    );
    // The size was planned for the longest signatures: never below what it is, and close to it.
    expect(entry.vsize).toBe(final.vsize);
    expect(plan.vsize).toBeGreaterThanOrEqual(final.vsize);
    expect(plan.vsize - final.vsize).toBeLessThanOrEqual(needed * 2 + 1);
    const weights = outputs.map(({ script }) => outputWeight(script));
    const total = { count: weights.length, weight: weights.reduce((sum, each) => sum + each, 0) };
    const inputs = plan.inputs.map(({ input }) => input);
    expect(vsizeOf(transactionWeight(inputs, total))).toBe(plan.vsize);
    expect(Number(entry.fees.base)).toBe(Number(plan.feeSats) / 1e8);
    await regtest.mine(1);
    const { confirmations } = await regtest.rpc.call<{ confirmations: number }>(
      'getrawtransaction',
      [txid, true],
    );
    expect(confirmations).toBe(1);
  },
);

test('a multisig that bitcoind finishes itself is accepted too', { timeout: 60_000 }, async () => {
  const keys = [0, 1, 2].map(() => makeKey('48h/1h/0h/2h'));
  const wallet = await makeWallet('finished', keys, (...texts) => {
    return `wsh(sortedmulti(2,${texts.join(',')}))`;
  });
  const { psbt } = await pay(wallet, await fund(wallet, [70_000n, 90_000n]));
  const half = checkSignedPsbt(psbt, await sign(wallet.signers[0] ?? '', psbt, false));
  if (!half.ok) throw new Error(half.reason);
  const whole = await sign(wallet.signers[1] ?? '', half.psbt, true);
  const done = checkSignedPsbt(half.psbt, whole);
  expect(done).toMatchObject({ ok: true, added: 2, isComplete: true });
  // Also for ours without the first signature: the finished witness has both.
  expect(checkSignedPsbt(psbt, whole)).toMatchObject({ ok: true, added: 4, isComplete: true });
});

test("bitcoind understands a PSBT of ours: fee, change and keys' paths", {
  timeout: 60_000,
}, async () => {
  const wallet = await makeWallet('read', [makeKey('84h/1h/0h')], (key) => `wpkh(${key})`);
  const { psbt, plan } = await pay(wallet, await fund(wallet, [70_000n, 190_000n]));
  const read = await regtest.rpc.call<{
    fee: string;
    tx: { version: number; locktime: number; vin: { sequence: number }[] };
    inputs: { bip32_derivs: { path: string }[]; non_witness_utxo?: object }[];
    outputs: { bip32_derivs?: { path: string }[] }[];
  }>('decodepsbt', [psbtToBase64(psbt)]);
  expect(Number(read.fee)).toBe(Number(plan.feeSats) / 1e8);
  expect(read.tx.version).toBe(2);
  for (const { sequence } of read.tx.vin) expect(sequence).toBe(0xfffffffd);
  for (const { bip32_derivs: keys, non_witness_utxo: whole } of read.inputs) {
    expect(keys[0]?.path).toMatch(/^m\/84h\/1h\/0h\/0\/[01]$/);
    expect(whole).toBeDefined();
  }
  const paths = read.outputs.flatMap(({ bip32_derivs: keys = [] }) => keys.map(({ path }) => path));
  expect(paths).toEqual(plan.changeSats === null ? [] : ['m/84h/1h/0h/1/0']);
});

test.each(['legacy', 'p2sh-segwit', 'bech32', 'bech32m'])(
  'a message that the node signs for its %s address verifies',
  async (type) => {
    const address = await regtest.walletRpc<string>('getnewaddress', ['', type]);
    const claim = { address, network: 'regtest', message: 'My refund: 42' } as const;
    let signature: string;
    try {
      signature = await regtest.walletRpc<string>('signmessage', [address, claim.message]);
    } catch (error) {
      // Knots signs for all of them (BIP322), Bitcoin Core for legacy addresses only.
      expect(type, String(error)).not.toBe('legacy');
      return;
    }
    expect(verifyMessage({ ...claim, signature })).toMatchObject({ ok: true });
    const other = verifyMessage({ ...claim, message: 'My refund: 43', signature });
    expect(other).toMatchObject({ ok: false, code: 'invalid_signature' });
  },
);
