import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveAddress, parseTransaction } from '@quittance/bitcoin';
import { fromHex, toHex } from '@quittance/kernel';
import type { SignParams } from '@quittance/signer/protocol';
import {
  changeOutput,
  type Coin,
  type Draft,
  paramsOf,
  payoutOf,
  publicWallet,
  startTestSigner,
  testSeed,
  type TestSigner,
  type Wallet,
} from '@quittance/signer/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Regtest, startRegtest } from '../support/regtest.ts';

const COIN_SATS = 10_000_000n;
const KINDS = ['wpkh', 'sh_wpkh', 'tr'] as const;

let dir: string;
let regtest: Regtest;
let signer: TestSigner;
const [ours, theirs] = [testSeed(), testSeed()];
const multisig = (keys: readonly string[]) => `wsh(sortedmulti(2,${keys.join(',')}))`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'signer-node-'));
  regtest = await startRegtest();
  const descriptor = multisig([ours.publicKey, theirs.publicKey]);
  signer = await startTestSigner({
    ...{ dir, network: 'regtest', seed: ours.words },
    wallets: [...KINDS.map((kind) => ({ name: kind, kind })), { name: 'shared', descriptor }],
  });
}, 120_000);
afterAll(async () => {
  await signer.stop();
  await regtest.stop();
  rmSync(dir, { recursive: true, force: true });
});

function walletOf(name: string): Wallet {
  const i = [...KINDS, 'shared'].indexOf(name);
  return publicWallet(name, signer.descriptors[i] ?? '', 'regtest');
}

/** A real coin of the wallet. */
async function receive(wallet: Wallet, index: number): Promise<Coin> {
  const address = deriveAddress(wallet.descriptor, { branch: 0, index });
  const txid = await regtest.sendTo(address, COIN_SATS);
  await regtest.mine(1);
  const { hex } = await regtest.walletRpc<{ hex: string }>('gettransaction', [txid]);
  const rawPrevious = fromHex(hex);
  const { outputs } = parseTransaction(rawPrevious);
  const vout = outputs.findIndex(({ valueSats }) => valueSats === COIN_SATS);
  const script = outputs[vout]?.script ?? new Uint8Array();
  return { rawPrevious, vout, amountSats: COIN_SATS, script, branch: 0, index };
}

type Terms = { payoutId: string; script: Uint8Array };

async function newTerms(): Promise<Terms> {
  const address = await regtest.newAddress();
  const { scriptPubKey } = await regtest.walletRpc<{ scriptPubKey: string }>('getaddressinfo', [
    address,
  ]);
  return { payoutId: crypto.randomUUID(), script: fromHex(scriptPubKey) };
}

/** Pays 0.03 BTC, the rest but the fee is change. */
function paying(wallet: Wallet, coins: Coin[], feeSats: bigint, { payoutId, script }: Terms) {
  const amountSats = 3_000_000n;
  const total = coins.reduce((sum, coin) => sum + coin.amountSats, 0n);
  const draft: Draft = {
    ...{ wallet, coins, version: 2, locktime: 0, sequence: 0xffff_fffd },
    outputs: [{ script, amountSats }, changeOutput(wallet, 5, total - amountSats - feeSats)],
  };
  const payout = payoutOf(
    {
      ...{ payoutId, script, amountSats: String(amountSats) },
      ...{ feeFrom: 'sender', maxFeeShareSats: '0' },
    },
    { wallet: wallet.name, approvers: [signer.approver], expiresAtMs: Date.now() + 600_000 },
  );
  const requestId = `r-${crypto.randomUUID()}`;
  const params = paramsOf(draft, { requestId, kind: 'payouts', payouts: [payout] });
  return { draft, params };
}

async function rejection(raw: string): Promise<string> {
  type Verdict = { allowed: boolean; 'reject-reason'?: string };
  const [verdict] = await regtest.rpc.call<Verdict[]>('testmempoolaccept', [[raw]]);
  return verdict?.['reject-reason'] ?? (verdict?.allowed === true ? 'none' : 'unknown');
}

async function signed(params: SignParams): Promise<string> {
  const { rawTransaction } = await signer.client.sign(params);
  if (rawTransaction === undefined) throw new Error('not complete');
  return rawTransaction;
}

describe('a real node', () => {
  test.each(KINDS)(
    'takes what the signer signs from a %s wallet, and its replacement',
    async (kind) => {
      const wallet = walletOf(kind);
      const coins = [await receive(wallet, 0), await receive(wallet, 17)];
      const terms = await newTerms();
      const first = await signed(paying(wallet, coins, 2_000n, terms).params);
      const txid = await regtest.rpc.call<string>('sendrawtransaction', [first]);
      const { vsize } = await regtest.rpc.call<{ vsize: bigint }>('getmempoolentry', [txid]);
      const [line = ''] = (await signer.client.auditTail({ limit: 1 })).lines;
      const logged = JSON.parse(line) as { vsize: number };
      // The size that the fee ceiling is worked out with is the true one, or a byte above.
      expect(logged.vsize - Number(vsize)).toBeGreaterThanOrEqual(0);
      expect(logged.vsize - Number(vsize)).toBeLessThanOrEqual(1);
      const bumped = await signed(paying(wallet, coins, 9_000n, terms).params);
      const replacement = await regtest.rpc.call<string>('sendrawtransaction', [bumped]);
      expect(await regtest.rpc.call<string[]>('getrawmempool')).toEqual([replacement]);
      await regtest.mine(1);
      expect(await rejection(first)).toMatch(/missing|already|conflict/);
    },
  );

  test('takes no Taproot signature over a lie about an amount', async () => {
    const wallet = walletOf('tr');
    const coins = [await receive(wallet, 2), await receive(wallet, 3)];
    const [coin] = coins;
    if (coin === undefined) throw new Error('a coin');
    const { draft } = paying(wallet, coins, 2_000n, await newTerms());
    // The server hides 5,000,000 sat of the fee by stating less than the coin has.
    const lies = draft.outputs.map((each) =>
      each.place === undefined ? each : { ...each, amountSats: each.amountSats - 5_000_000n },
    );
    const lying: Draft = {
      ...{ ...draft, outputs: lies },
      edit: ({ inputs }) => {
        const [entry] = inputs[0] ?? [];
        if (entry === undefined) return;
        const value = Uint8Array.from(entry.value);
        new DataView(value.buffer).setBigUint64(0, coin.amountSats - 5_000_000n, true);
        inputs[0] = [{ ...entry, value }, ...(inputs[0] ?? []).slice(1)];
      },
    };
    const payouts = paying(wallet, coins, 2_000n, {
      payoutId: crypto.randomUUID(),
      script: draft.outputs[0]?.script ?? new Uint8Array(),
    }).params.payouts;
    const params = paramsOf(lying, { requestId: 'r-lie', kind: 'payouts', payouts });
    expect(await rejection(await signed(params))).toMatch(/Invalid Schnorr signature/);
  });
});

describe('a multisig wallet with bitcoind as the other signer', () => {
  beforeAll(async () => {
    const name = 'cosigner';
    await regtest.rpc.call('createwallet', { wallet_name: name, blank: true });
    const text = multisig([ours.publicKey, theirs.privateKey]);
    const { checksum } = await regtest.rpc.call<{ checksum: string }>('getdescriptorinfo', [text]);
    const [result] = await regtest.rpc.walletCall<{ success: boolean }[]>(
      name,
      'importdescriptors',
      [[{ desc: `${text}#${checksum}`, timestamp: 'now', active: true, range: [0, 100] }]],
    );
    expect(result?.success).toBe(true);
  });

  type Processed = { psbt: string; complete: boolean; hex?: string };
  const process = (psbt: string) =>
    regtest.rpc.walletCall<Processed>('cosigner', 'walletprocesspsbt', { psbt, finalize: true });

  test('signs first, and the other completes it', async () => {
    const wallet = walletOf('shared');
    const coins = [await receive(wallet, 0), await receive(wallet, 1)];
    const result = await signer.client.sign(paying(wallet, coins, 4_000n, await newTerms()).params);
    expect(result).toEqual({ psbt: expect.any(String), complete: false });
    const { complete, hex = '' } = await process(result.psbt);
    expect(complete).toBe(true);
    expect(await rejection(hex)).toBe('none');
    await regtest.rpc.call('sendrawtransaction', [hex]);
  });

  test('completes what the other has signed, and refuses a false signature of it', async () => {
    const wallet = walletOf('shared');
    const coins = [await receive(wallet, 2)];
    const { params } = paying(wallet, coins, 4_000n, await newTerms());
    const other = await process(params.psbt);
    expect(other.complete).toBe(false);
    type Decoded = { inputs: { partial_signatures: Record<string, string> }[] };
    const { inputs } = await regtest.rpc.call<Decoded>('decodepsbt', [other.psbt]);
    const [signature = ''] = Object.values(inputs[0]?.partial_signatures ?? {});
    const broken = Buffer.from(other.psbt, 'base64');
    const at = broken.indexOf(Buffer.from(signature, 'hex'));
    // A byte of R.
    broken[at + 20] = (broken[at + 20] ?? 0) ^ 1;
    const false_ = { ...params, requestId: 'r-false', psbt: broken.toString('base64') };
    await expect(signer.client.sign(false_)).rejects.toMatchObject({
      code: 'foreign_signature_wrong',
    });
    const result = await signer.client.sign({ ...params, psbt: other.psbt });
    expect(result.complete).toBe(true);
    expect(await rejection(result.rawTransaction ?? '')).toBe('none');
    const decoded = await regtest.rpc.call<{ inputs: { final_scriptwitness?: string[] }[] }>(
      'decodepsbt',
      [result.psbt],
    );
    expect(decoded.inputs[0]?.final_scriptwitness).toHaveLength(4);
    expect(toHex(coins[0]?.script ?? new Uint8Array())).toMatch(/^0020/);
  });
});
