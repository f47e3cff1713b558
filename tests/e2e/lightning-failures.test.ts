import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PaymentOutcome } from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
  until,
} from '../support/lightning.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';

// alice — bob — carol; every way in which a Lightning payment fails, made for real. What every
// backend must do is in the contract suite; this is what needs more than one node's help.

const WAIT_MS = 30_000;
/** A time lock of 24 blocks, and what LDK adds so that nobody can tell the recipient by it. */
const MOST_BLOCKS = 160;
let regtest: Regtest;
let network: LightningNetwork;
let alice: TestLightningNode;
let bob: TestLightningNode;
let carol: TestLightningNode;

beforeAll(async () => {
  regtest = await startRegtest();
  network = await startLightning(regtest, { names: ['alice', 'bob', 'carol'], channels: null });
  [alice, bob, carol] = [network.get('alice'), network.get('bob'), network.get('carol')];
  await network.openChannel(alice, bob, { capacitySats: 4_000_000n });
  await network.openChannel(bob, carol, { capacitySats: 1_000_000n });
}, 180_000);
afterAll(async () => {
  await network?.stop();
  await regtest?.stop();
}, 60_000);

type Invoice = Awaited<ReturnType<TestLightningNode['invoice']>>;
type PayOptions = { amountMsat?: Msats; waitMs?: number; timeoutMs?: number };

const pay = (
  payer: TestLightningNode,
  { bolt11, paymentHash }: Invoice,
  { amountMsat = 100_000n, waitMs = WAIT_MS, timeoutMs = WAIT_MS }: PayOptions = {},
): Promise<PaymentOutcome> =>
  payer.node.pay({
    ...{ destination: { bolt11 }, paymentHash, amountMsat, waitMs, timeoutMs },
    maxFeeMsat: 10_000n,
  });

/** The end of a payment that was left in flight. */
async function endOf(payer: TestLightningNode, paymentHash: string): Promise<PaymentOutcome> {
  await until(`the end of ${paymentHash}`, async () => {
    const { state } = await payer.node.trackPayment(paymentHash);
    return state === 'succeeded' || state === 'failed';
  });
  return payer.node.trackPayment(paymentHash);
}

/** It failed as that, and alice has again all that she had. */
async function expectFailure(
  outcome: PaymentOutcome,
  failureClass: LightningFailureClass,
  hadMsat: bigint,
): Promise<void> {
  expect(outcome).toMatchObject({ state: 'failed', failure: { failureClass } });
  await until('what alice had', async () => {
    const { channelsMsat, inFlightMsat } = await alice.node.balances();
    return channelsMsat === hadMsat && inFlightMsat === 0n;
  });
}

const had = async (): Promise<bigint> => (await alice.node.balances()).channelsMsat;

describe('a payment fails', { timeout: 120_000 }, () => {
  test('to a receiver on a private channel whose invoice has no hints: no route', async () => {
    const before = await had();
    const invoice = await carol.invoice({ withHints: false });
    await expectFailure(await pay(alice, invoice), 'no_route', before);
    expect((await pay(alice, await carol.invoice())).state).toBe('succeeded');
  });

  test('when the next node is away: its channel can not carry it', async () => {
    const before = await had();
    const invoice = await carol.invoice();
    await carol.setOnline(false);
    await expectFailure(await pay(alice, invoice), 'insufficient_capacity', before);
    await carol.setOnline(true);
    await bob.untilUsable(2);
  });

  test('when the own channel is drained: insufficient local balance', async () => {
    await network.drain(alice, bob);
    const before = await had();
    const invoice = await bob.invoice({ amountMsat: 50_000_000n });
    const outcome = await pay(alice, invoice, { amountMsat: 50_000_000n });
    await expectFailure(outcome, 'insufficient_local_balance', before);
    const back = await alice.invoice({ amountMsat: 1_000_000_000n });
    expect((await pay(bob, back, { amountMsat: 1_000_000_000n })).state).toBe('succeeded');
  });

  test('when a channel further on is drained: insufficient capacity', async () => {
    await network.drain(bob, carol, 20_000_000n);
    const before = await had();
    const invoice = await carol.invoice({ amountMsat: 50_000_000n });
    const outcome = await pay(alice, invoice, { amountMsat: 50_000_000n });
    await expectFailure(outcome, 'insufficient_capacity', before);
  });

  test('when the invoice has expired before: expired', async () => {
    const before = await had();
    const invoice = await bob.invoice({ expirySeconds: 1 });
    await sleep(2_100);
    await expectFailure(await pay(alice, invoice), 'expired', before);
  });

  test('when the invoice expires on the way: expired', async () => {
    const before = await had();
    const invoice = await bob.invoice({ expirySeconds: 5 });
    bob.freeze();
    const early = await pay(alice, invoice, { waitMs: 100 });
    expect(early).toEqual({ state: 'in_flight' });
    await sleep(6_000);
    bob.thaw();
    await expectFailure(await endOf(alice, invoice.paymentHash), 'expired', before);
    expect(await bob.node.lookupInvoice(invoice.paymentHash)).toMatchObject({ receivedMsat: 0n });
  });

  test('when the recipient refuses payments without an invoice: recipient rejected', async () => {
    const before = await had();
    await bob.behave({ acceptKeysend: false });
    const preimage = randomBytes(32);
    const outcome = await alice.node.pay({
      destination: { keysendTo: bob.nodeId, preimage: preimage.toString('hex') },
      paymentHash: createHash('sha256').update(preimage).digest('hex'),
      ...{ amountMsat: 5_000n, maxFeeMsat: 0n, timeoutMs: WAIT_MS, waitMs: WAIT_MS },
    });
    await bob.behave({ acceptKeysend: true });
    await expectFailure(outcome, 'recipient_rejected', before);
  });

  test('at the recipient, two channels on: recipient rejected', async () => {
    const before = await had();
    await carol.behave({ incoming: 'reject' });
    const outcome = await pay(alice, await carol.invoice({ amountMsat: 3_000n }), {
      amountMsat: 3_000n,
    });
    await carol.behave({ incoming: 'accept' });
    await expectFailure(outcome, 'recipient_rejected', before);
  });
});

describe('a payment whose outcome is open', { timeout: 120_000 }, () => {
  test('stays in flight past its deadline while the recipient holds it, and ends by what it does', async () => {
    const before = await had();
    await bob.behave({ incoming: 'hold' });
    const invoice = await bob.invoice();
    const early = await pay(alice, invoice, { waitMs: 300, timeoutMs: 300 });
    expect(early).toEqual({ state: 'in_flight' });
    await sleep(1_000);
    // Its time is over, but it may still be taken: nobody may say that it failed.
    expect(await alice.node.trackPayment(invoice.paymentHash)).toEqual({ state: 'in_flight' });
    expect((await alice.node.balances()).inFlightMsat).toBe(100_000n);
    await bob.behave({ incoming: 'accept' });
    await bob.kill();
    await bob.restart();
    await alice.untilUsable();
    expect(await alice.node.trackPayment(invoice.paymentHash)).toEqual({ state: 'in_flight' });
    // Before its time lock runs out the recipient's node gives it back.
    for (let blocks = 0; blocks < MOST_BLOCKS; blocks += 4) {
      await network.mine(4);
      const { state } = await alice.node.trackPayment(invoice.paymentHash);
      if (state !== 'in_flight') break;
      await sleep(100);
    }
    await expectFailure(await endOf(alice, invoice.paymentHash), 'recipient_rejected', before);
    expect(await alice.node.channels()).toHaveLength(1);
  });

  test('is known after the payer was killed in the midst of it', async () => {
    for (let round = 0; round < 3; round++) {
      const before = await had();
      const invoice = await bob.invoice();
      const lost = pay(alice, invoice);
      await sleep(10 * round);
      await alice.kill();
      const answer = await lost;
      expect(['unknown', 'failed', 'succeeded']).toContain(answer.state);
      await alice.restart();
      await alice.untilUsable();
      const known = await alice.node.trackPayment(invoice.paymentHash);
      const end = known.state === 'not_found' ? known : await endOf(alice, invoice.paymentHash);
      const received = (await bob.node.lookupInvoice(invoice.paymentHash))?.receivedMsat;
      expect(received).toBe(end.state === 'succeeded' ? 100_000n : 0n);
      if (answer.state !== 'unknown') expect(end.state).toBe(answer.state);
      const spent = end.state === 'succeeded' ? 100_000n : 0n;
      await until('exact balances', async () => (await had()) === before - spent);
      // Whatever became of it, asking again pays at most once.
      await pay(alice, invoice);
      await until('exact balances', async () => (await had()) === before - 100_000n);
    }
  });
});
