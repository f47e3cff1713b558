import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Approver,
  connectSigner,
  SignerRefusedError,
  SignerUnavailableError,
  SignerUnknownError,
} from './client.ts';
import { faultPoints } from './faults.ts';
import type { SignParams } from './protocol.ts';
import { testSeed } from './testing/keys.ts';
import { startTestSigner, type TestSigner } from './testing/process.ts';
import {
  changeOutput,
  type Coin,
  makeCoin,
  p2wpkh,
  paramsOf,
  payoutOf,
} from './testing/requests.ts';
import { publicWallet, type Wallet } from './wallets.ts';

let dir: string;
let signer: TestSigner;
let wallet: Wallet;
let salt = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'signer-process-'));
  signer = await startTestSigner({ dir, network: 'regtest', timeoutMs: 10_000 });
  wallet = publicWallet('main', signer.descriptor, 'regtest');
});
afterAll(async () => {
  await signer.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** One payout of 50,000 sat with these coins. */
function request(
  options: {
    coins?: Coin[];
    payoutId?: string;
    script?: Uint8Array;
    wallet?: Wallet;
    approver?: Approver;
  } = {},
) {
  const { wallet: from = wallet, approver = signer.approver } = options;
  salt += 10;
  const coins = options.coins ?? [
    makeCoin(from, { branch: 0, index: salt, amountSats: 60_000n, salt }),
    makeCoin(from, { branch: 0, index: salt + 1, amountSats: 40_000n, salt: salt + 1 }),
  ];
  const total = coins.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  const script = options.script ?? p2wpkh(salt);
  const draft = {
    ...{ wallet: from, coins, version: 2, locktime: 0, sequence: 0xffff_fffd },
    outputs: [{ script, amountSats: 50_000n }, changeOutput(from, 1, total - 51_000n)],
  };
  const payout = payoutOf(
    {
      ...{ payoutId: options.payoutId ?? crypto.randomUUID(), script, amountSats: '50000' },
      ...{ feeFrom: 'sender', maxFeeShareSats: '0' },
    },
    { wallet: 'main', approvers: [approver], expiresAtMs: Date.now() + 60_000 },
  );
  const requestId = `r-${crypto.randomUUID()}`;
  const params = paramsOf(draft, { requestId, kind: 'payouts', payouts: [payout] });
  return { params, coins, script, payoutId: payout.payoutId };
}

const refusal = async (params: SignParams) => {
  const error: unknown = await signer.client.sign(params).catch((caught: unknown) => caught);
  return error instanceof SignerRefusedError ? error.code : error;
};

describe('killed in the middle of a request', () => {
  const points = faultPoints.filter((point) => !/snapshot|policy/.test(point));
  test.each(points)('at %s, it pays once and answers the same question', async (faultPoint) => {
    await signer.kill();
    await signer.restart({ faultPoint });
    const { params, payoutId, script } = request();
    const first = await signer.client.sign(params).catch((error: unknown) => error);
    expect(await signer.ended()).toBe('SIGKILL');
    // After the answer is before the next question.
    const isLost = faultPoint !== 'signer:after-answer';
    if (isLost) expect(first).toBeInstanceOf(SignerUnknownError);
    await signer.restart();
    if (['signer:after-log', 'signer:before-answer'].includes(faultPoint)) {
      // The signature may be out: other coins for the same payout are refused at once.
      const other = request({ payoutId, script });
      expect(await refusal(other.params)).toBe('payout_already_signed');
    }
    const answer = await signer.client.sign(params);
    expect(answer).toMatchObject({ complete: true });
    if (!isLost) expect(answer).toEqual(first);
    expect(await refusal(request({ payoutId, script }).params)).toBe('payout_already_signed');
    const { lines } = await signer.client.auditTail({ limit: 5 });
    const torn = lines.find((line) => line.includes('tornBytes'));
    expect(torn !== undefined).toBe(faultPoint === 'signer:log-torn');
  });
});

describe('never twice', () => {
  test('a payout is signed again only with a coin that all its transactions spend', async () => {
    const { params, coins, payoutId, script } = request();
    const [a, b] = coins;
    if (a === undefined || b === undefined) throw new Error('two coins');
    await signer.client.sign(params);
    const again = (use: Coin[]) => request({ coins: use, payoutId, script }).params;
    const fresh = makeCoin(wallet, { branch: 0, index: 9, amountSats: 60_000n, salt: ++salt + 5 });
    expect(await refusal(again([fresh]))).toBe('payout_already_signed');
    // Replaced with A alone: now every transaction must spend A.
    const other = { ...a, amountSats: a.amountSats };
    await signer.client.sign(again([other, fresh]));
    expect(await refusal(again([b, fresh]))).toBe('payout_already_signed');
    await signer.kill();
    await signer.restart();
    expect(await refusal(again([b, fresh]))).toBe('payout_already_signed');
    expect(await signer.client.sign(again([a]))).toMatchObject({ complete: true });
  });

  test('the same question is answered even when its approvals have run out', async () => {
    const { params } = request();
    const answer = await signer.client.sign(params);
    const late = {
      ...params,
      payouts: params.payouts.map((each) => ({ ...each, approvals: [] })),
    };
    expect(await signer.client.sign(late)).toEqual(answer);
    expect(await refusal({ ...late, requestId: `r-${crypto.randomUUID()}` })).toBe(
      'approval_missing',
    );
  });
});

describe('the socket', () => {
  beforeEach(async () => {
    await signer.client.ping();
  });

  test('can be opened by this user only, in a folder of this user only', () => {
    expect(statSync(signer.socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(signer.socketPath)).mode & 0o777).toBe(0o700);
    for (const name of ['vault.json', 'policy.json', 'wallets.json', 'audit/000001.jsonl']) {
      expect(statSync(join(signer.folder, name)).mode & 0o777).toBe(0o600);
    }
  });

  test('answers each line in order and refuses what is no request', async () => {
    const lines = [
      ['nonsense', 'request_malformed'],
      ['{"id":"x","method":"ping"}', 'request_malformed'],
      ['{"id":1,"method":"export-keys","params":{}}', 'unknown_method'],
      ['{"id":2,"method":"sign","params":null}', 'request_malformed'],
      ['{"id":3,"method":"ping","params":{}}', 'pong'],
      ['{"id":4,"method":"audit-tail","params":{"limit":100000}}', 'request_malformed'],
      ['[]', 'request_malformed'],
    ] as const;
    const answers = await exchange(
      lines.map(([line]) => line),
      lines.length,
    );
    for (const [i, [, expected]] of lines.entries()) expect(answers[i]).toContain(expected);
  });

  test('hangs up on a line without end and on a flood, and serves others meanwhile', async () => {
    const socket = connect(signer.socketPath);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    const chunk = Buffer.alloc(1 << 20, 'a');
    for (let i = 0; i < 40 && !socket.destroyed; i++) {
      if (!socket.write(chunk)) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await closed;
    const flood = Array.from({ length: 5_000 }, (_, id) => `{"id":${id},"method":"describe"}`);
    const answers = await exchange(flood, 5_000);
    expect(answers.at(-1)).toContain('too_many_requests');
    expect(await signer.client.ping()).toMatchObject({ pong: true });
  });

  test('serves several clients at a time', async () => {
    const clients = Array.from({ length: 5 }, () => connectSigner(signer));
    const answers = await Promise.all(
      clients.flatMap((client) => [
        client.ping(),
        client.sign(request().params),
        client.describe(),
      ]),
    );
    expect(answers).toHaveLength(15);
    for (const client of clients) client.close();
  });

  test('says what is left of its limits, and where its log is', async () => {
    const before = await signer.client.describe();
    await signer.client.sign(request().params);
    const after = await signer.client.describe();
    const left = (each: typeof before) => BigInt(each.windows[0]?.leftSats ?? 0);
    expect(left(before) - left(after)).toBe(51_000n);
    expect(after.log.entries).toBe(before.log.entries + 1);
    expect(after).toMatchObject({ locked: false, network: 'regtest', protocol: 1 });
  });
});

describe('a client', () => {
  test('knows when nothing can have happened', async () => {
    const nobody = connectSigner({ socketPath: join(dir, 'nobody') });
    await expect(nobody.sign(request().params)).rejects.toBeInstanceOf(SignerUnavailableError);
    const closed = connectSigner(signer);
    closed.close();
    await expect(closed.ping()).rejects.toBeInstanceOf(SignerUnavailableError);
  });

  test('comes back by itself when the signer does', async () => {
    await signer.kill();
    await expect(signer.client.ping()).rejects.toBeInstanceOf(SignerUnavailableError);
    await signer.restart();
    expect(await signer.client.ping()).toMatchObject({ pong: true });
  });
});

describe('a signer that was made again from its words', () => {
  test('has the same wallet, and no old approval holds with its new approver keys', async () => {
    const { words } = testSeed();
    const [before, after] = await Promise.all(
      ['old', 'new'].map((name) => {
        const folder = join(dir, name);
        mkdirSync(folder);
        return startTestSigner({ dir: folder, network: 'regtest', seed: words });
      }),
    );
    if (before === undefined || after === undefined) throw new Error('two signers');
    expect(after.descriptor).toBe(before.descriptor);
    const old = publicWallet('main', before.descriptor, 'regtest');
    const { params } = request({ wallet: old, approver: before.approver });
    expect(await before.client.sign(params)).toMatchObject({ complete: true });
    // It does not remember; the approval is what keeps the payout from being paid again.
    await expect(after.client.sign(params)).rejects.toMatchObject({
      code: 'approval_unknown_approver',
    });
    await Promise.all([before.stop(), after.stop()]);
  });
});

describe('the process', () => {
  test('writes no memory dump and runs once for a folder', async () => {
    const limits = readFileSync(`/proc/${signer.pid}/limits`, 'utf8');
    expect(limits).toMatch(/Max core file size\s+0\s+0/);
    await expect(signer.restart()).rejects.toThrow('another signer or command is working');
    expect(await signer.client.ping()).toMatchObject({ pong: true });
  });

  test('loads no code of the server, and none that is not named', () => {
    const maps = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    const { dependencies } = JSON.parse(maps) as { dependencies: Record<string, string> };
    const allowed =
      /^@(noble\/(ciphers|curves|hashes)|scure\/(base|bip32|bip39)|quittance\/(bitcoin|kernel))$/;
    for (const name of Object.keys(dependencies)) expect(name).toMatch(allowed);
  });
});

/** Sends lines and collects so many answers, or as many as come before the end. */
function exchange(lines: readonly string[], count: number): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = connect(signer.socketPath);
    let text = '';
    const answers = () => text.split('\n').slice(0, -1);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (answers().length >= count) socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(answers()));
    socket.write(`${lines.join('\n')}\n`);
  });
}

test('a signer folder holds nothing but what is named in the README', () => {
  const names = readdirSync(signer.folder).sort();
  expect(names).toEqual(['audit', 'policy.json', 'vault.json', 'wallets.json']);
});
