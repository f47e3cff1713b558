import { setTimeout as sleep } from 'node:timers/promises';
import type { Order } from '@quittance/contract';
import type { Dice } from './dice.ts';

/** How a payer will treat an order. */
export type Plan =
  | 'exact'
  | 'unpaid'
  | 'under'
  | 'parts'
  | 'over'
  | 'bump'
  | 'double-spend'
  | 'together'
  | 'late'
  | 'cancel';

/** One intention of a client: it holds on to its key until it is answered. */
export type Intention = {
  readonly key: string;
  readonly merchant: Merchant;
  readonly plan: Plan;
  readonly body: Record<string, unknown>;
  tries: number;
  order: Order | undefined;
  /** The cancellation was acknowledged. */
  cancelled: boolean;
};

export type Merchant = { readonly name: string; readonly id: string; readonly apiKey: string };

export type Answer = { status: number; body: unknown };

/** Longer than a request may wait for a free connection of the database. */
const REQUEST_TIMEOUT_MS = 15_000;
const RETRY_MS = [20, 300] as const;

/** Undefined when no answer came: whether it was carried out is unknown. */
export async function callApi(
  url: string,
  options: { method?: string; apiKey: string; body?: unknown; idempotencyKey?: string },
): Promise<Answer | undefined> {
  const { method = 'POST', apiKey, body, idempotencyKey } = options;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  } catch {
    return undefined;
  }
}

/** What was made; throws when it was not. */
export async function created201<T>(answer: ReturnType<typeof callApi>): Promise<T> {
  const given = await answer;
  if (given?.status === 201) return given.body as T;
  throw new Error(`it was not made: ${JSON.stringify(given)}`);
}

const PLANS: readonly [Plan, number][] = [
  ['exact', 34],
  ['unpaid', 8],
  ['under', 8],
  ['parts', 10],
  ['over', 9],
  ['bump', 8],
  ['double-spend', 7],
  ['together', 6],
  ['late', 4],
  ['cancel', 6],
];

function choosePlan(dice: Dice): Plan {
  let rest = dice.next() * PLANS.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [plan, weight] of PLANS) {
    rest -= weight;
    if (rest < 0) return plan;
  }
  return 'exact';
}

export type ClientWorld = {
  readonly serverUrl: string;
  readonly merchants: readonly Merchant[];
  /** False while the suite wants quiet: no new orders, but what was begun is seen through. */
  running(): boolean;
  ended(): boolean;
  onPost(): void;
  onAcknowledged(intention: Intention): void;
  violate(text: string): void;
};

export type Clients = {
  readonly intentions: Intention[];
  /** Waits until all that was begun is answered; gives how many are not after `timeoutMs`. */
  untilAnswered(timeoutMs: number): Promise<number>;
  counts(): Record<string, number>;
};

/** Shops that make orders at the same time and retry with the same key until they are answered. */
export function startClients(dice: Dice, count: number, world: ClientWorld): Clients {
  const intentions: Intention[] = [];
  const statuses = new Map<string, number>();
  let pending = 0;
  let made = 0;

  function intend(own: Dice): Intention {
    const key = `order-${++made}`;
    const plan = choosePlan(own);
    const large = own.chance(0.08);
    const price = large
      ? { amount: `0.0${own.between(12, 29)}`, currency: 'BTC' }
      : { amount: `${own.between(3, 60)}.${own.between(10, 99)}`, currency: 'USD' };
    const short = plan === 'late' || (plan === 'unpaid' && own.chance(0.5));
    const body = { ...price, externalId: key, ...(short ? { expiresInSeconds: 60 } : {}) };
    const merchant = own.pick(world.merchants);
    const start = { tries: 0, order: undefined, cancelled: false };
    return { key, merchant, plan, body, ...start };
  }

  function note(answer: Answer | undefined): void {
    const name = answer === undefined ? 'unanswered' : `http${answer.status}`;
    statuses.set(name, (statuses.get(name) ?? 0) + 1);
  }

  async function post(intention: Intention, path: string, key: string, body?: unknown) {
    const { apiKey } = intention.merchant;
    world.onPost();
    const answer = await callApi(world.serverUrl + path, { apiKey, body, idempotencyKey: key });
    note(answer);
    return answer;
  }

  async function order(intention: Intention, own: Dice): Promise<void> {
    while (!world.ended()) {
      intention.tries++;
      const send = () => post(intention, '/v1/orders', intention.key, intention.body);
      // Now and then an impatient client sends the same request twice at once.
      const answers = await Promise.all(own.chance(0.1) ? [send(), send()] : [send()]);
      for (const answer of answers) takeOrder(intention, answer);
      if (intention.order !== undefined) return;
      await sleep(own.between(...RETRY_MS));
    }
  }

  function takeOrder(intention: Intention, answer: Answer | undefined): void {
    if (answer === undefined || answer.status === 503) return;
    if (answer.status !== 201) {
      const code = (answer.body as { code?: string }).code;
      if (code === 'idempotency_in_progress') return;
      world.violate(`POST of ${intention.key} was answered ${JSON.stringify(answer)}`);
      return;
    }
    const made = answer.body as Order;
    const before = intention.order;
    if (before === undefined) intention.order = made;
    else if (JSON.stringify(before) !== JSON.stringify(made)) {
      world.violate(
        `${intention.key} was answered ${JSON.stringify(before)}, then ${JSON.stringify(made)}`,
      );
    }
  }

  async function cancel(intention: Intention, own: Dice): Promise<void> {
    while (!world.ended()) {
      const path = `/v1/orders/${intention.order?.id}/cancel`;
      const answer = await post(intention, path, `${intention.key}-cancel`);
      if (answer?.status === 200) intention.cancelled = true;
      if (answer?.status === 200 || answer?.status === 409) return;
      if (answer !== undefined && answer.status !== 503) {
        world.violate(`cancelling ${intention.key} was answered ${JSON.stringify(answer)}`);
        return;
      }
      await sleep(own.between(...RETRY_MS));
    }
  }

  async function shop(own: Dice): Promise<void> {
    while (!world.ended()) {
      if (!world.running()) {
        await sleep(50);
        continue;
      }
      const intention = intend(own);
      intentions.push(intention);
      pending++;
      await order(intention, own);
      if (intention.order !== undefined) world.onAcknowledged(intention);
      if (intention.plan === 'cancel') await cancel(intention, own);
      if (own.chance(0.05)) await order(intention, own);
      pending--;
      await sleep(own.between(100, 2_600));
    }
  }

  for (let n = 0; n < count; n++) void shop(dice.fork(`shop ${n}`));
  return {
    intentions,
    async untilAnswered(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (pending > 0 && performance.now() < deadline) await sleep(50);
      return pending;
    },
    counts: () => ({ orders: intentions.length, ...Object.fromEntries(statuses) }),
  };
}
