import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../support/temporary.ts';

/** A start takes a few seconds; on a machine that runs other tests besides, many times as long. */
const RUN_MS = 120_000;
/** Two more processes and a channel; usually half a minute in all. */
const LIGHTNING_RUN_MS = 400_000;
const CLI = fileURLToPath(new URL('../../apps/server/src/cli.ts', import.meta.url));

const readySchema = z.strictObject({
  event: z.literal('ready'),
  baseUrl: z.url(),
  shopUrl: z.url(),
  dashboardUrl: z.null(),
  apiKey: z.string().min(1),
  merchantId: z.uuid(),
  bitcoin: z.strictObject({
    rpcUrl: z.url(),
    rpcUser: z.string(),
    rpcPassword: z.string(),
    wallet: z.string(),
  }),
});
type Ready = z.infer<typeof readySchema>;

const resultSchema = z.object({
  ok: z.literal(true),
  orderId: z.uuid(),
  status: z.literal('CONFIRMED'),
  txid: z.string().regex(/^[0-9a-f]{64}$/),
  detectedMs: z.number().positive(),
  amount: z.string().regex(/^\d+\.\d{8}$/),
  confirmations: z.int().min(1),
  webhookDelivered: z.literal(true),
  ledgerBalanced: z.literal(true),
});

type Demo = {
  child: ChildProcess;
  lines: string[];
  errors(): string;
  /** Everything that the demo makes while it runs is in here. */
  temporary: string;
  exited: Promise<number | null>;
};

const running: Demo[] = [];
afterEach(() => {
  for (const { child, temporary } of running.splice(0)) {
    child.kill('SIGKILL');
    rmSync(temporary, { recursive: true, force: true, maxRetries: 10 });
  }
});

function startDemo(...args: string[]): Demo {
  const { path } = temporaryFolder('demo-test');
  const child = spawn(process.execPath, [CLI, 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: path },
  });
  let output = '';
  let errors = '';
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    const parts = output.split('\n');
    output = parts.pop() ?? '';
    lines.push(...parts);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const demo = { child, lines, errors: () => errors, temporary: path, exited };
  running.push(demo);
  return demo;
}

async function untilReady(demo: Demo): Promise<Ready> {
  let over = false;
  void demo.exited.then(() => {
    over = true;
  });
  while (demo.lines.length === 0 && !over) await sleep(20);
  expect(demo.errors()).toBe('');
  return readySchema.parse(JSON.parse(demo.lines[0] ?? ''));
}

/** Whatever has the demo's folder in its command line: the node and the database with its workers. */
function companionsOf({ temporary }: Demo): string[] {
  const all = execFileSync('ps', ['-Ao', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(temporary));
}

async function untilNoCompanions(demo: Demo): Promise<void> {
  for (let i = 0; i < 200 && companionsOf(demo).length > 0; i++) await sleep(50);
  expect(companionsOf(demo)).toEqual([]);
}

test(
  'demo --once --fast --json: first where everything is, last one paid order, then nothing is left',
  async () => {
    const demo = startDemo('--once', '--fast', '--json');
    expect(await demo.exited).toBe(0);
    const values = demo.lines.map((line): unknown => JSON.parse(line));
    const { baseUrl, shopUrl } = readySchema.parse(values[0]);
    expect(shopUrl).toBe(`${baseUrl}/shop`);
    const result = resultSchema.parse(values.at(-1));
    const events = values.slice(1, -1).map((value) => z.object({ event: z.string() }).parse(value));
    expect(events.map(({ event }) => event)).toEqual([
      'order',
      'sent',
      'seen',
      'mined',
      'confirmed',
      'webhook',
      'ledger',
    ]);
    expect(values[2]).toMatchObject({ orderId: result.orderId, txid: result.txid });
    expect(demo.errors()).toBe('');
    expect(companionsOf(demo)).toEqual([]);
    expect(readdirSync(demo.temporary)).toEqual([]);
  },
  RUN_MS,
);

test(
  'demo --once --lightning --json: an order is paid over a real channel, then nothing is left',
  async () => {
    const demo = startDemo('--once', '--lightning', '--json');
    expect(await demo.exited, demo.errors()).toBe(0);
    const values = demo.lines.map((line): unknown => JSON.parse(line));
    const events = values.slice(1, -1).map((value) => z.object({ event: z.string() }).parse(value));
    expect(events.map(({ event }) => event)).toEqual([
      ...['channel', 'order', 'invoice', 'sent', 'confirmed', 'webhook', 'ledger'],
    ]);
    expect(values.at(-1)).toMatchObject({
      ...{ ok: true, status: 'CONFIRMED', method: 'lightning', txid: null },
      ...{ webhookDelivered: true, ledgerBalanced: true },
    });
    expect(demo.errors()).toBe('');
    expect(companionsOf(demo)).toEqual([]);
    expect(readdirSync(demo.temporary)).toEqual([]);
  },
  LIGHTNING_RUN_MS,
);

test(
  'a demo that stays up sells, is paid and mines by forms of its own page only, and SIGINT leaves nothing',
  async () => {
    const demo = startDemo('--json', '--fast');
    const { baseUrl, shopUrl, apiKey, bitcoin } = await untilReady(demo);
    const post = (path: string, fields: Record<string, string>, origin: string = baseUrl) =>
      fetch(baseUrl + path, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams(fields),
        redirect: 'manual',
      });

    const shop = await fetch(shopUrl, { headers: { 'accept-language': 'en' } });
    expect(shop.headers.get('content-security-policy')).toContain("form-action 'self'");
    const page = await shop.text();
    const words = ['Paid', 'Overpaid', 'Underpaid', 'Waiting for payment', 'No real money'];
    for (const word of words) expect(page).toContain(word);
    expect(await (await fetch(`${shopUrl}?lang=zh-TW`)).text()).toContain('等待付款');

    const bought = await post('/shop/buy', { product: 'mug' });
    expect(bought.status).toBe(303);
    const checkout = new URL(bought.headers.get('location') ?? '', baseUrl);
    const orderId = checkout.pathname.split('/').at(-1) ?? '';
    expect((await fetch(checkout)).status).toBe(200);

    const elsewhere = 'https://elsewhere.example';
    const pay = `/shop/orders/${orderId}/pay`;
    expect((await post(pay, { how: 'exact' }, elsewhere)).status).toBe(403);
    expect((await post('/shop/mine', {}, elsewhere)).status).toBe(403);
    expect((await post(pay, { how: 'twice' })).status).toBe(400);
    expect((await post(pay, { how: 'exact' })).status).toBe(303);
    const statusOf = async () => {
      const answer = await fetch(`${baseUrl}/v1/orders/${orderId}`, {
        headers: { authorization: `Bearer ${apiKey}` },
      });
      return z.object({ status: z.string() }).parse(await answer.json()).status;
    };
    // With --fast the demo mines by itself.
    while ((await statusOf()) !== 'CONFIRMED') await sleep(50);
    const again = await post(pay, { how: 'exact' });
    expect(again.headers.get('location')).toContain('note=notPayable');

    const { rpcUser, rpcPassword, rpcUrl, wallet } = bitcoin;
    const balance = await fetch(`${rpcUrl}/wallet/${wallet}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${rpcUser}:${rpcPassword}`).toString('base64')}`,
      },
      body: JSON.stringify({ method: 'getbalance', params: [] }),
    });
    expect(z.object({ result: z.number().min(100) }).safeParse(await balance.json()).success).toBe(
      true,
    );

    expect(companionsOf(demo).length).toBeGreaterThan(1);
    demo.child.kill('SIGINT');
    expect(await demo.exited).toBe(0);
    expect(companionsOf(demo)).toEqual([]);
    expect(readdirSync(demo.temporary)).toEqual([]);
    expect(demo.errors()).toBe('');
    expect(demo.lines).toHaveLength(1);
  },
  RUN_MS,
);

test(
  'kill -9 leaves no process; the next start with the same --data has the same store and its orders',
  async () => {
    const folder = temporaryFolder('demo-data');
    try {
      const first = startDemo('--json', '--once', '--fast', '--data', folder.path);
      const before = await untilReady(first);
      while (!first.lines.some((line) => line.includes('"sent"'))) await sleep(5);
      const orderId = z
        .object({ orderId: z.uuid() })
        .parse(JSON.parse(first.lines[1] ?? '')).orderId;
      first.child.kill('SIGKILL');
      await first.exited;
      await untilNoCompanions({ ...first, temporary: folder.path });

      const second = startDemo('--json', '--data', folder.path);
      const after = await untilReady(second);
      expect(after.merchantId).toBe(before.merchantId);
      expect(after.apiKey).toBe(before.apiKey);
      const order = await fetch(`${after.baseUrl}/v1/orders/${orderId}`, {
        headers: { authorization: `Bearer ${after.apiKey}` },
      });
      expect(await order.json()).toMatchObject({ id: orderId });
      second.child.kill('SIGTERM');
      expect(await second.exited).toBe(0);
      await untilNoCompanions({ ...second, temporary: folder.path });
      expect(existsSync(join(folder.path, 'postgres'))).toBe(true);
    } finally {
      folder.remove();
    }
  },
  RUN_MS,
);

test('a port that is taken is named before anything is started', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const demo = startDemo('--port', port, '--once');
  expect(await demo.exited).toBe(1);
  server.close();
  expect(demo.errors()).toContain(`port ${port} is taken`);
  expect(JSON.parse(demo.lines.at(-1) ?? '')).toMatchObject({ ok: false });
  expect(readdirSync(demo.temporary)).toEqual([]);
});

test('wrong options get the usage and status 2', async () => {
  const calls = [['--port', 'abc'], ['--port', '70000'], ['--onse'], ['--data', ''], ['extra']];
  const demos = calls.map((args) => ({ args, demo: startDemo(...args) }));
  for (const { args, demo } of demos) {
    expect(await demo.exited, args.join(' ')).toBe(2);
    expect(demo.errors()).toContain('quittance demo [--once [--lightning]]');
    expect(demo.lines).toEqual([]);
  }
});
