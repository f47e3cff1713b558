import type { Order } from '@quittance/contract';
import {
  type BenchOptions,
  type BenchResult,
  median,
  quantile,
  rounded,
  sleep,
} from './harness.ts';
import { openPayer, type Payer } from './support/payer.ts';
import {
  type BenchServer,
  addShop,
  call,
  startServer,
  startSurroundings,
} from './support/server.ts';

/**
 * From the call of sendrawtransaction to the frame on an open WebSocket: the node checks and
 * pushes the transaction, the server finds it, commits payment, ledger and events, and tells. The
 * server is a process of its own, as `quittance start` runs it; transactions are signed before.
 */

const AMOUNT_BTC = '0.00100000';
/** What each payment spends: the amount and a fee. */
const COIN_BTC = '0.00101000';
const WARM_UP = 30;
/** A frame that takes longer is a failure, not a sample. */
const FRAME_TIMEOUT_MS = 10_000;
/** Payers do not come in step with any timer of the server. */
const MAX_PAUSE_MS = 40;

type Sample = { acceptedMs: number; frameMs: number };

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const samples = quick ? 40 : 500;
  const surroundings = await startSurroundings('detect');
  const payer = await openPayer(surroundings.node);
  const server = await startServer(surroundings);
  try {
    const { apiKey } = await addShop(server);
    const all = await prepare(server, payer, { apiKey, count: samples + WARM_UP });
    const measured: Sample[] = [];
    for (const [at, { orderId, hex }] of all.entries()) {
      await sleep(Math.random() * MAX_PAUSE_MS);
      const sample = await payAndWatch(server, payer, { orderId, hex });
      if (at >= WARM_UP) measured.push(sample);
    }
    return summarise(measured);
  } finally {
    await server.stop();
    await payer.close();
    await surroundings.stop();
  }
}

async function prepare(
  server: BenchServer,
  payer: Payer,
  { apiKey, count }: { apiKey: string; count: number },
): Promise<{ orderId: string; hex: string }[]> {
  const coins = await payer.splitCoins(count, COIN_BTC);
  const input = { amount: AMOUNT_BTC, currency: 'BTC' };
  const orders: Order[] = [];
  for (let i = 0; i < count; i++) {
    orders.push(await call<Order>(server.url, '/v1/orders', apiKey, input));
  }
  const hexes = await payer.sign(
    coins.map((coin, i) => ({ coin, address: orders[i]?.address ?? '', amountBtc: AMOUNT_BTC })),
  );
  return orders.map(({ id }, i) => ({ orderId: id, hex: hexes[i] ?? '' }));
}

async function payAndWatch(
  server: BenchServer,
  { rpc }: Payer,
  { orderId, hex }: { orderId: string; hex: string },
): Promise<Sample> {
  const url = `${server.url.replace('http', 'ws')}/ws/payment?orderId=${orderId}`;
  const socket = new WebSocket(url);
  try {
    await nextFrame(socket, 'PENDING');
    const paid = nextFrame(socket, 'UNCONFIRMED');
    const began = performance.now();
    const accepted = rpc.call('sendrawtransaction', [hex]).then(() => performance.now() - began);
    const frameMs = (await paid) - began;
    return { frameMs, acceptedMs: await accepted };
  } finally {
    socket.close();
  }
}

/** When the frame with this status arrives. */
function nextFrame(socket: WebSocket, status: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no frame with ${status} arrived`)),
      FRAME_TIMEOUT_MS,
    );
    const hear = ({ data }: MessageEvent) => {
      const at = performance.now();
      if (!String(data).includes(`"status":"${status}"`)) return;
      clearTimeout(timer);
      socket.removeEventListener('message', hear);
      resolve(at);
    };
    socket.addEventListener('message', hear);
    socket.addEventListener('error', () => reject(new Error('the WebSocket failed')));
  });
}

function summarise(samples: readonly Sample[]): BenchResult {
  const row = (what: string, values: readonly number[]) => ({
    what,
    samples: values.length,
    p50Ms: rounded(median(values)),
    p95Ms: rounded(quantile(values, 0.95)),
    p99Ms: rounded(quantile(values, 0.99)),
    maxMs: rounded(quantile(values, 1)),
  });
  const frames = samples.map(({ frameMs }) => frameMs);
  const frame = row('call to frame', frames);
  const accepted = samples.map(({ acceptedMs }) => acceptedMs);
  return {
    name: 'detect',
    rows: [frame, row('the node’s answer to the call', accepted)],
    ratios: { frameToAnswer: rounded(median(frames) / median(accepted)) },
    targets: [
      { what: 'call to frame, median', value: frame.p50Ms, unit: 'ms', limit: { atMost: 10 } },
      { what: 'call to frame, p99', value: frame.p99Ms, unit: 'ms', limit: { atMost: 50 } },
    ],
  };
}
