import type { Order } from '@quittance/contract';
import { assert } from '@quittance/kernel';
import type { DemoChain } from './chain.ts';
import type { DemoStore } from './store.ts';
import { within } from './wait.ts';
import { watchOrder } from './watch.ts';

const DEADLINE_MS = 30_000;
/** The shortest that the API takes: this order will have expired a minute after the start. */
const SHORT_EXPIRY_SECONDS = 60;

/** Percent of the price that is sent before and after the first block, and what that leads to. */
type Sample = {
  amount: string;
  currency: string;
  description: string;
  /** Of the shop's own products, whose name it has in each language. */
  product?: string;
  expiresInSeconds?: number;
  sentBefore?: bigint;
  sentAfter?: bigint;
  status: Order['status'];
};

const SAMPLES: readonly Sample[] = [
  {
    amount: '14.00',
    currency: 'GBP',
    description: 'Gift card (nobody pays this one)',
    expiresInSeconds: SHORT_EXPIRY_SECONDS,
    status: 'PENDING',
  },
  {
    amount: '12.90',
    currency: 'EUR',
    description: 'House blend, 250 g',
    product: 'beans',
    sentBefore: 100n,
    status: 'CONFIRMED',
  },
  {
    amount: '1200',
    currency: 'JPY',
    description: 'Filter papers',
    sentBefore: 115n,
    status: 'OVERPAID',
  },
  {
    amount: '18.00',
    currency: 'USD',
    description: 'Enamel mug',
    product: 'mug',
    sentAfter: 60n,
    status: 'UNDERPAID',
  },
  {
    amount: '0.012',
    currency: 'BTC',
    description: 'Espresso machine',
    product: 'machine',
    sentAfter: 100n,
    status: 'UNCONFIRMED',
  },
  { amount: '650.00', currency: 'TWD', description: 'Green tea, loose', status: 'PENDING' },
];

/** Sample orders in different states, made through the API and paid for through the node. */
export async function makeSamples(options: {
  baseUrl: string;
  store: DemoStore;
  chain: DemoChain;
}): Promise<void> {
  const { baseUrl, store, chain } = options;
  const made: { order: Order; sample: Sample }[] = [];
  for (const sample of SAMPLES) {
    const { amount, currency, description, expiresInSeconds, product } = sample;
    const order = await store.client.orders.create({
      amount,
      currency,
      description,
      ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
      ...(product === undefined ? {} : { metadata: { product } }),
      redirectUrl: `${baseUrl}/shop`,
    });
    made.push({ order, sample });
  }
  async function send(percentOf: (sample: Sample) => bigint | undefined): Promise<void> {
    for (const { order, sample } of made) {
      const percent = percentOf(sample);
      if (percent === undefined) continue;
      const amount = (BigInt(order.dueSats) * percent) / 100n;
      await chain.send(await chain.prepare(order.address, amount));
    }
  }
  await send(({ sentBefore }) => sentBefore);
  await chain.mine(1);
  await send(({ sentAfter }) => sentAfter);
  await Promise.all(made.map((each) => untilStatus(baseUrl, each)));
}

async function untilStatus(
  baseUrl: string,
  { order, sample }: { order: Order; sample: Sample },
): Promise<void> {
  const watch = watchOrder(baseUrl, order.id);
  try {
    const frame = await within(
      DEADLINE_MS,
      `${sample.status} for the sample "${sample.description}"`,
      watch.until(sample.status),
    );
    assert(frame.orderId === order.id, 'a frame is of the order that is watched');
  } finally {
    watch.close();
  }
}
