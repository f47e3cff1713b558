import { setTimeout as sleep } from 'node:timers/promises';
import { formatBtc } from '@quittance/kernel';
import type { PayoutIntention } from './audit-payouts.ts';
import { callApi, created201 } from './clients.ts';
import { conflict } from './owner.ts';
import { count, patiently, type PayoutRun, READY_TIMEOUT_MS, violate } from './payout-run.ts';

const DEPOSITS = 40;
const DEPOSIT_SATS = 20_000_000n;
const DEPOSIT_DEPTH = 6;
/** Small enough for one confirmation (design §7). */
const REFUNDED_SATS = 700_000n;
const PAID_TIMEOUT_MS = 20_000;
/** How long somebody who wants to bump waits for a transaction to be out. */
const BUMP_WAIT_MS = 2_000;

/** A payout to an address that nobody else is given. */
export async function pay(all: PayoutRun): Promise<void> {
  const { dice } = all;
  const feeFrom = dice.chance(0.25) ? 'recipient' : 'sender';
  const amountSats = BigInt(dice.between(20_000, 3_000_000));
  const intention = await intend(all, { amountSats, feeFrom, isRefund: false });
  const { key } = intention;
  const body = {
    destination: intention.address,
    amount: formatBtc(amountSats),
    currency: 'BTC',
    feeFrom,
    externalId: key,
  };
  if (!(await ask(all, intention, { key, body }))) return;
  if (dice.chance(0.06)) {
    await insist(all, { path: `/v1/payouts/${intention.id}/cancel`, key: `${key}-c` });
    intention.cancelled = true;
    return;
  }
  await approve(all, intention);
  // A person presses "pay now" while the processors are at it (payout-approve-and-pay-race).
  if (dice.chance(0.3)) {
    await insist(all, { path: `/v1/payouts/${intention.id}/pay`, key: `${key}-p` });
  }
}

/** @returns whether there is a payout now */
async function ask(
  all: PayoutRun,
  intention: PayoutIntention,
  { key, body }: { key: string; body: unknown },
): Promise<boolean> {
  const made = await insist(all, { path: '/v1/payouts', key, body });
  if (made.status === 201) intention.id = (made.body as { id: string }).id;
  else violate(all, `${key} was answered ${JSON.stringify(made)}`);
  return made.status === 201;
}

/**
 * What a person does after a payout has failed because somebody else took its coins for good: a new
 * payout to the same recipient, under a new id, which the signer takes for another one.
 */
export async function payAnew(all: PayoutRun, intention: PayoutIntention): Promise<void> {
  const { amountSats, feeFrom, address } = intention;
  intention.remade++;
  const key = `${intention.key}-anew-${intention.remade}`;
  const amount = formatBtc(amountSats);
  const body = { destination: address, amount, currency: 'BTC', feeFrom, externalId: key };
  count(all, 'paidAnew');
  if (await ask(all, intention, { key, body })) await approve(all, intention);
}

async function intend(
  all: PayoutRun,
  what: Pick<PayoutIntention, 'amountSats' | 'feeFrom' | 'isRefund'>,
): Promise<PayoutIntention> {
  const intention: PayoutIntention = {
    key: `payout-${++all.made}`,
    merchantId: all.world.shop.id,
    address: await patiently(() => all.world.regtest.newAddress()),
    ...what,
    ...{ id: undefined, approved: false, cancelled: false, remade: 0 },
  };
  all.intentions.push(intention);
  return intention;
}

export async function approve(all: PayoutRun, intention: PayoutIntention): Promise<void> {
  const path = `/v1/payouts/${intention.id}/approve`;
  const approved = await insist(all, { path, key: `${intention.key}-a-${intention.id}` });
  if (approved.status === 200 || approved.status === 201) intention.approved = true;
  // Held meanwhile, because a reorganisation took the order's payment away.
  else if (intention.isRefund && approved.status === 409) count(all, 'heldRefunds');
  else violate(all, `approving ${intention.key} was answered ${JSON.stringify(approved)}`);
}

type Refund = { id: string; claimUrl: string; payoutSats: string };

/** An order that is paid, then refunded: the customer claims on the page, twice as people do. */
export async function refund(all: PayoutRun): Promise<void> {
  const { world } = all;
  const key = `refunded-${(all.counts['refunds'] ?? 0) + 1}`;
  count(all, 'refunds');
  const order = await insist(all, {
    path: '/v1/orders',
    key,
    body: { amount: formatBtc(REFUNDED_SATS), currency: 'BTC', externalId: key },
  });
  const { id, address } = order.body as { id: string; address: string };
  await patiently(() => world.regtest.sendTo(address, REFUNDED_SATS));
  if (!(await isPaidSoon(all, id))) return;
  const body = { mode: 'full', destination: 'claim' };
  const made = await insist(all, { path: `/v1/orders/${id}/refunds`, key: `${key}-r`, body });
  // The payment may have left the chain again meanwhile; then there is nothing to give back.
  if (made.status !== 201) return;
  const { claimUrl, payoutSats, id: refundId } = made.body as Refund;
  const intention = await intend(all, {
    ...{ amountSats: BigInt(payoutSats), feeFrom: 'sender', isRefund: true },
  });
  await Promise.all([claim(all, claimUrl, intention), claim(all, claimUrl, intention)]);
  const payoutId = await payoutOf(all, refundId);
  if (payoutId === null) {
    count(all, 'heldRefunds');
    return;
  }
  intention.id = payoutId;
  await approve(all, intention);
}

async function isPaidSoon(all: PayoutRun, orderId: string): Promise<boolean> {
  const deadline = performance.now() + PAID_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { status } = await read<{ status: string }>(all, `/v1/orders/${orderId}`);
    if (status === 'CONFIRMED') return true;
    await patiently(() => all.world.regtest.mine(1));
    await sleep(300);
  }
  return false;
}

async function claim(
  all: PayoutRun,
  claimUrl: string,
  { address }: PayoutIntention,
): Promise<void> {
  const { pathname } = new URL(claimUrl);
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`${all.world.servers.api.url}${pathname}`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ step: 'claim', address, proof: '' }),
    }).catch(() => undefined);
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return;
    await sleep(100);
  }
}

async function payoutOf(all: PayoutRun, refundId: string): Promise<string | null> {
  return (await read<{ payoutId: string | null }>(all, `/v1/refunds/${refundId}`)).payoutId;
}

async function read<T>({ world }: PayoutRun, path: string): Promise<T> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const { apiKey } = world.shop;
    const answer = await callApi(`${world.servers.api.url}${path}`, { method: 'GET', apiKey });
    if (answer?.status === 200) return answer.body as T;
    if (performance.now() > deadline) throw new Error(`no answer from ${path}`);
    await sleep(100);
  }
}

export async function insist(
  { world }: PayoutRun,
  { path, key, body }: { path: string; key: string; body?: unknown },
): Promise<{ status: number; body: unknown }> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await callApi(`${world.servers.api.url}${path}`, {
      apiKey: world.shop.apiKey,
      idempotencyKey: key,
      body: body ?? {},
    });
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
    if (performance.now() > deadline) throw new Error(`no answer to ${path}`);
    await sleep(100);
  }
}

/** The world goes on meanwhile: blocks, reorganisations, lost mempools, bumped fees. */
export async function stir(all: PayoutRun): Promise<void> {
  const { dice, world } = all;
  const { regtest } = world;
  await sleep(dice.between(0, 600));
  const what = dice.next();
  if (what < 0.35) await patiently(() => regtest.mine(dice.between(1, 2)));
  else if (what < 0.5) await reorganise(all);
  else if (what < 0.55) await loseMempool(all);
  else if (what < 0.75) await bump(all);
  else if (what < 0.95) await conflict(all);
}

/** After what was asked for is being paid: somebody bumps it, or takes its coins elsewhere. */
export async function meddle(all: PayoutRun): Promise<void> {
  const { dice } = all;
  const what = dice.next();
  if (what < 0.3) await bump(all);
  else if (what < 0.6) await conflict(all);
  if (dice.chance(0.15)) await bump(all);
}

async function reorganise(all: PayoutRun): Promise<void> {
  const { dice, world } = all;
  const { rpc, newAddress } = world.regtest;
  const depth = dice.between(1, 3);
  const tip = await rpc.call<number>('getblockcount');
  const hash = await rpc.call<string>('getblockhash', [tip - depth + 1]);
  await rpc.call('invalidateblock', [hash]);
  const address = await newAddress();
  // Empty blocks, so that what was confirmed waits again; at times mined as before.
  if (dice.chance(0.5)) {
    for (let n = 0; n <= depth; n++) await rpc.call('generateblock', [address, []]);
  } else await world.regtest.mine(depth + 1);
  count(all, 'reorgs');
}

/** A node that is killed comes back without its mempool; the miners go on. */
async function loseMempool(all: PayoutRun): Promise<void> {
  const { regtest } = all.world;
  // Written first, its blocks survive the kill: this loses the mempool and nothing else.
  await flush(all);
  const before = await patiently(() => regtest.rpc.call<number>('getblockcount'));
  await regtest.crashNode();
  count(all, 'nodeKills');
  const left = await patiently(() => regtest.rpc.call<number>('getblockcount'));
  await patiently(() => regtest.mine(Math.max(0, before - left) + 1));
}

async function bump(all: PayoutRun): Promise<void> {
  const { world } = all;
  const { apiKey } = world.shop;
  const id = await waitingSpend(all);
  if (id === undefined) {
    count(all, 'bumpsWithoutPrey');
    return;
  }
  count(all, 'bumpsAsked');
  const answer = await callApi(`${world.servers.api.url}/v1/spends/${id}/bump`, {
    apiKey,
    idempotencyKey: `bump-${all.counts['bumpsAsked']}`,
    body: { feeRateSatPerVb: String(all.dice.between(5, 60)) },
  });
  // One that has been mined meanwhile, or has no room for a higher fee, is refused.
  count(all, answer !== undefined && answer.status < 300 ? 'bumps' : 'bumpsRefused');
}

async function waitingSpend({ dice, world }: PayoutRun): Promise<string | undefined> {
  const { apiKey } = world.shop;
  const deadline = performance.now() + BUMP_WAIT_MS;
  while (performance.now() < deadline) {
    const path = '/v1/spends?state=broadcast';
    const list = await callApi(`${world.servers.api.url}${path}`, { method: 'GET', apiKey });
    const open = (list?.body as { data?: { id: string }[] } | undefined)?.data ?? [];
    if (list?.status === 200 && open.length > 0) return dice.pick(open).id;
    await sleep(100);
  }
  return undefined;
}

/** A node that is killed forgets what it has not written; ours never follows it over 100 blocks. */
export async function flush({ world }: PayoutRun): Promise<void> {
  await patiently(() => world.regtest.rpc.call('gettxoutsetinfo'));
}

/** Coins for the wallet, by addresses without an order. */
export async function fund(all: PayoutRun): Promise<void> {
  const { world } = all;
  const { shop, regtest } = world;
  const server = world.servers.api;
  const outputs: Record<string, string> = {};
  for (let n = 0; n < DEPOSITS; n++) {
    const { address } = await created201<{ address: string }>(
      callApi(`${server.url}/v1/wallets/${shop.walletId}/deposit-addresses`, {
        apiKey: shop.apiKey,
        body: {},
      }),
    );
    outputs[address] = formatBtc(DEPOSIT_SATS);
    all.deposits.push(address);
  }
  await regtest.walletRpc('send', { outputs, fee_rate: 2 });
  // Deeper than any reorganisation of this suite: the balance is there to stay.
  await regtest.mine(DEPOSIT_DEPTH);
  await flush(all);
  const path = `/v1/wallets/${shop.walletId}/balance`;
  const wanted = BigInt(DEPOSITS) * DEPOSIT_SATS;
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const { confirmedSats } = await read<{ confirmedSats: string }>(all, path);
    if (BigInt(confirmedSats) >= wanted) return;
    if (performance.now() > deadline) throw new Error('the deposits are not taken in');
    await sleep(100);
  }
}
