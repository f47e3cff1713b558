import { createHash, randomBytes } from 'node:crypto';
import { encodeBolt11 } from '@quittance/bitcoin';
import { manualClock } from '@quittance/kernel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startClnRest, type TestClnRest } from '../../../../../../../tests/support/cln-rest.ts';
import { systemRandom } from '../../../../platform/random.ts';
import type { LightningNode, NewPayment } from '../../lightning-node.ts';
import { openClnNode } from './index.ts';

const MINUTE_MS = 60_000;
const startMs = 1_795_000_000_000;
const preimage = randomBytes(32).toString('hex');
const paymentHash = createHash('sha256').update(preimage, 'hex').digest('hex');
const bolt11 = encodeBolt11(
  {
    ...{ network: 'regtest', amountMsat: 5_000n, createdAtMs: startMs, paymentHash },
    ...{ description: 'x', expirySeconds: 86_400, paymentSecret: 'cd'.repeat(32) },
  },
  randomBytes(32),
);
const request: NewPayment = {
  ...{ destination: { bolt11 }, paymentHash, amountMsat: 5_000n, maxFeeMsat: 50n },
  ...{ timeoutMs: 30_000, waitMs: 5_000 },
};
const createdAt = startMs / 1_000;
const complete = {
  ...{ payment_hash: paymentHash, status: 'complete', created_at: createdAt, preimage },
  ...{ completed_at: createdAt + 2, amount_msat: 5_000, amount_sent_msat: 5_007 },
};
const part = (status: string) => ({ payment_hash: paymentHash, status, created_at: createdAt });

const channels = [
  {
    ...{ peer_id: '02', peer_connected: true, state: 'CHANNELD_NORMAL', total_msat: 1_000_000 },
    ...{ to_us_msat: 1_000_000, spendable_msat: 900_000, receivable_msat: 0, htlcs: [] },
  },
];

/** As v26.06.6 says it. */
const XPAY_CAPACITY =
  'Failed after 1 attempts. We got temporary_channel_failure for the invoice’s route hint ' +
  '(1x1807x4/0), assuming it can’t carry 293000000msat. Then routing failed: We could not find a ' +
  'usable set of paths. The shortest path is 113x1x1->1x1807x4, but 1x1807x4/0 layer xpay-1 says max ' +
  'is 292999999msat';

describe('a payment by Core Lightning', () => {
  const clock = manualClock(startMs);
  let cln: TestClnRest;
  let node: LightningNode;
  /** What `listpays` and `xpay` answer. */
  let pays: unknown[];
  let xpay: { status: number; body: unknown };

  beforeEach(async () => {
    clock.set(startMs);
    [pays, xpay] = [[], { status: 500, body: { code: -1, message: 'not set' } }];
    cln = await startClnRest({} as LightningNode);
    cln.override = (method) => {
      if (method === 'listpays') return { status: 201, body: { pays } };
      if (method === 'listpeerchannels') return { status: 201, body: { channels } };
      return method === 'xpay' ? xpay : undefined;
    };
    node = await openClnNode({
      connection: { url: cln.url, rune: cln.rune, certificate: null },
      ...{ network: 'regtest', clock, random: systemRandom },
    });
  });
  afterEach(async () => {
    await node.close();
    await cln.stop();
  });

  const methods = (): string[] => cln.calls.map(({ method }) => method);

  test('repaid-bolt11-success: of a hash that is paid is not made, and is no success', async () => {
    pays = [complete];
    expect(await node.pay(request)).toMatchObject({
      ...{ state: 'failed', failure: { failureClass: 'already_paid' } },
    });
    expect(methods()).not.toContain('xpay');
  });

  test('carries its limits in exact millisatoshis and whole seconds', async () => {
    xpay = { status: 500, body: { code: 205, message: 'no route' } };
    await node.pay(request);
    const sent = cln.calls.find(({ method }) => method === 'xpay');
    expect(sent?.params).toEqual({ invstring: bolt11, maxfee: '50msat', retry_for: 30 });
  });

  test('with a preimage of another payment has not succeeded', async () => {
    const wrong = {
      payment_preimage: '11'.repeat(32),
      amount_msat: 5_000,
      amount_sent_msat: 5_000,
    };
    xpay = { status: 201, body: wrong };
    expect((await node.pay(request)).state).toBe('unknown');
  });

  test.each([
    [203, 'said it did not know the invoice', 'recipient_rejected'],
    [205, 'There is no connection between source and destination at all', 'no_route'],
    [206, 'too much', 'fee_limit'],
    [209, 'there is no path to the recipient', 'no_route'],
    [209, XPAY_CAPACITY, 'insufficient_capacity'],
    [207, 'Invoice expired', 'expired'],
    [209, 'WIRE_TEMPORARY_CHANNEL_FAILURE on 1x2x3', 'insufficient_capacity'],
    [219, 'already paid', 'already_paid'],
    [-32_602, 'bad bolt11', 'invalid'],
  ])('that ends with code %i is a failure of its class', async (code, message, failureClass) => {
    xpay = { status: 500, body: { code, message } };
    expect(await node.pay(request)).toMatchObject({ state: 'failed', failure: { failureClass } });
  });

  test('that a channel on the way could not carry says which one it was', async () => {
    xpay = { status: 500, body: { code: 209, message: XPAY_CAPACITY } };
    expect(await node.pay(request)).toMatchObject({ failure: { at: '1x1807x4' } });
  });

  test('that ends with an error while a part is still out is in flight', async () => {
    cln.override = (method) => {
      if (method === 'xpay') pays = [part('pending')];
      if (method === 'listpays') return { status: 201, body: { pays } };
      return method === 'xpay'
        ? { status: 500, body: { code: 210, message: 'Timed out' } }
        : undefined;
    };
    expect((await node.pay(request)).state).toBe('in_flight');
    expect((await node.trackPayment(paymentHash)).state).toBe('in_flight');
  });

  test('that a node lists as failed may be between two attempts, until nobody can try any more', async () => {
    pays = [part('failed')];
    expect((await node.trackPayment(paymentHash)).state).toBe('in_flight');
    clock.advance(15 * MINUTE_MS);
    expect((await node.trackPayment(paymentHash)).state).toBe('in_flight');
    clock.advance(MINUTE_MS);
    expect((await node.trackPayment(paymentHash)).state).toBe('failed');
  });

  test('that was not given to the node for want of the right is certainly not made', async () => {
    cln.override = () => ({ status: 401, body: { code: 1_501, message: 'Not authorized' } });
    expect(await node.pay(request)).toMatchObject({
      ...{ state: 'failed', failure: { failureClass: 'node_unavailable' } },
    });
  });

  test('whose answer can not be understood is unknown', async () => {
    cln.override = (method) =>
      method === 'listpays' ? { status: 201, body: { pays } } : { status: 201, body: 'no object' };
    expect((await node.pay(request)).state).toBe('unknown');
  });
});
