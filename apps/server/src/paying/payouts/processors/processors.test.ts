import { addressToScript } from '@quittance/bitcoin';
import {
  defaultPayoutProcessor,
  type PayoutPolicy,
  type PayoutProcessorSettings,
} from '@quittance/contract';
import { assert } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PlannedSpend, PlanRefusal } from '../../spends/index.ts';
import { type OnchainPayout, onchainPayout } from '../payout.ts';
import { approvalsNeeded } from '../policy.ts';
import { payoutReasonTable } from '../reasons.ts';
import { START_MS, testPayout } from '../test-payouts.ts';
import { retryAtMs } from './back-off.ts';
import { choosePayouts, isThresholdReached } from './choose-payouts.ts';
import { planAsManyAsPossible } from './plan-payouts.ts';

const ADDRESSES = {
  p2wpkh: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  p2wsh: 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry',
};

function payoutTo(kind: keyof typeof ADDRESSES, amountSats: bigint): OnchainPayout {
  const destination = ADDRESSES[kind];
  const read = addressToScript(destination, 'regtest');
  assert(read.ok, 'a test address can be read');
  const amountMsat = amountSats * 1_000n;
  const made = { state: 'approved', destination, script: read.script, amountMsat } as const;
  return onchainPayout(testPayout(made));
}

const settings = (more: Partial<PayoutProcessorSettings> = {}) => ({
  ...defaultPayoutProcessor,
  ...more,
});
const world = { nowMs: START_MS, startedSats: 0n, screenings: new Map() };

test('whatever the rules, no limit is exceeded, nobody is chosen twice and the order is kept', () => {
  const amounts = fc.array(fc.bigInt(1n, 1_000n), { maxLength: 30 });
  const limit = fc.option(fc.bigInt(1n, 1_500n), { nil: null });
  fc.assert(
    fc.property(
      fc.record({ amounts, perPayout: limit, perDay: limit, startedSats: fc.bigInt(0n, 900n) }),
      fc.integer({ min: 1, max: 10 }),
      ({ amounts: sums, perPayout, perDay, startedSats }, batchSize) => {
        const payouts = sums.map((sats) => payoutTo('p2wpkh', sats));
        const limits = {
          perPayoutMaxSats: perPayout?.toString() ?? null,
          perDayMaxSats: perDay?.toString() ?? null,
        };
        const { take, hold } = choosePayouts(payouts, settings({ limits, batchSize }), {
          ...world,
          startedSats,
        });
        expect(take.length).toBeLessThanOrEqual(batchSize);
        expect(take).toEqual(payouts.filter((each) => take.includes(each)));
        for (const { payout } of hold) expect(take).not.toContain(payout);
        if (perPayout !== null) {
          for (const { amountSats } of take) expect(amountSats <= perPayout).toBe(true);
        }
        const sum = take.reduce((all, { amountSats }) => all + amountSats, 0n);
        if (perDay !== null && take.length > 0) expect(startedSats + sum <= perDay).toBe(true);
      },
    ),
  );
});

test.each<[string, Partial<PayoutProcessorSettings['destinations']>, string | null]>([
  ['nothing', {}, null],
  ['another kind of address', { types: ['p2tr', 'p2wpkh'] }, 'destination_not_allowed'],
  ['a deny-list with the address', { deny: [ADDRESSES.p2wsh] }, 'destination_not_allowed'],
  ['an allow-list without it', { allow: [ADDRESSES.p2wpkh] }, 'destination_not_allowed'],
  ['an allow-list with it', { allow: [ADDRESSES.p2wsh] }, null],
  [
    'both lists with it',
    { allow: [ADDRESSES.p2wsh], deny: [ADDRESSES.p2wsh] },
    'destination_not_allowed',
  ],
])('of destinations the rules ask %s', (_, rules, reason) => {
  const destinations = { ...defaultPayoutProcessor.destinations, ...rules };
  const payout = payoutTo('p2wsh', 1_000n);
  const { take, hold } = choosePayouts([payout], settings({ destinations }), world);
  expect(hold.map((each) => each.reason)).toEqual(reason === null ? [] : [reason]);
  expect(take).toHaveLength(reason === null ? 1 : 0);
});

test('a destination that screening holds waits with the reason, and the ones behind it go', () => {
  const payouts = [payoutTo('p2wsh', 1n), payoutTo('p2wpkh', 1n)];
  const screenings = new Map([[payouts[0]?.id ?? '', { ok: false, reason: 'on a list' } as const]]);
  const { take, hold } = choosePayouts(payouts, settings(), { ...world, screenings });
  expect(take).toEqual([payouts[1]]);
  expect(hold).toMatchObject([{ reason: 'destination_held', detail: 'on a list' }]);
  expect(hold[0]?.notBeforeMs).toBeGreaterThan(START_MS);
});

test('a threshold is reached by the sum, the number or the wait, whichever comes first', () => {
  const threshold = { minSats: '500', minCount: 3, maxWaitSeconds: 60 };
  const reached = (sats: bigint, count: number, waitedMs: number) =>
    isThresholdReached(
      threshold,
      { sats, count, oldestApprovedAtMs: START_MS - waitedMs },
      START_MS,
    );
  expect(reached(499n, 2, 59_999)).toBe(false);
  expect(reached(500n, 1, 0)).toBe(true);
  expect(reached(1n, 3, 0)).toBe(true);
  expect(reached(1n, 1, 60_000)).toBe(true);
  const none = { minSats: null, minCount: null, maxWaitSeconds: null };
  expect(
    isThresholdReached(none, { sats: 1n, count: 1, oldestApprovedAtMs: START_MS }, START_MS),
  ).toBe(true);
});

const planned = (feeSats: bigint): PlannedSpend => ({
  ...{ ok: true, spendId: 's', txid: null, feeSats, vsize: 100, inputs: 1, changeSats: null },
  feeShares: {},
});
const refusal = (reason: PlanRefusal['reason'], payoutIds: string[] = []): PlanRefusal => ({
  ...{ ok: false, reason, detail: reason, payoutIds },
});

test('with too little money the longest waiting are paid, as many halvings as it takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.bigInt(0n, 300n),
      async (count, funds) => {
        const payouts = Array.from({ length: count }, () => payoutTo('p2wpkh', 1n));
        let tries = 0;
        const { paid, planned: plan } = await planAsManyAsPossible(payouts, async (some) => {
          tries++;
          return BigInt(some.length) <= funds ? planned(1n) : refusal('insufficient_funds');
        });
        expect(tries).toBeLessThanOrEqual(10);
        expect(paid).toEqual(payouts.slice(0, paid.length));
        expect(plan !== null).toBe(funds > 0n);
        if (plan !== null && BigInt(count) > funds) {
          expect(BigInt(paid.length) * 2n >= funds).toBe(true);
        }
      },
    ),
  );
});

test('who stands in the way is set aside with the reason, and the others are paid', async () => {
  const payouts = Array.from({ length: 6 }, () => payoutTo('p2wpkh', 1n));
  const dust = payouts[2]?.id ?? '';
  const outcome = await planAsManyAsPossible(payouts, async (some) =>
    some.some(({ id }) => id === dust) ? refusal('output_below_dust', [dust]) : planned(1n),
  );
  expect(outcome.paid).toEqual(payouts.filter(({ id }) => id !== dust));
  expect(outcome.refused.map(({ payout }) => payout.id)).toEqual([dust]);
});

test('a fee above the limit is not got round by paying fewer', async () => {
  let tries = 0;
  const outcome = await planAsManyAsPossible(
    [payoutTo('p2wpkh', 1n), payoutTo('p2wsh', 1n)],
    async () => {
      tries++;
      return refusal('fee_above_limit');
    },
  );
  expect({ tries, planned: outcome.planned }).toEqual({ tries: 1, planned: null });
});

test('the wait between attempts doubles up to a day', () => {
  const waits = [1, 2, 3, 4, 30].map((attempts) => retryAtMs({ delaySeconds: 60 }, attempts, 0));
  expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 86_400_000]);
});

test('nobody’s approval is enough only by an explicit rule, and never where two are asked for', () => {
  const autoApprove = { maxSats: '1000', sources: ['api' as const] };
  const processor = { approvalRules: [], autoApprove, paused: false };
  type Rules = Pick<PayoutPolicy, 'approvalRules'>;
  const policy: Rules = { approvalRules: [] };
  const needed = (amountSats: bigint, source: 'api' | 'batch', more = {}, rules = policy) =>
    approvalsNeeded({ amountSats, source }, rules, { ...processor, ...more });
  expect(approvalsNeeded({ amountSats: 1n, source: 'api' }, policy, undefined)).toBe(1);
  expect(needed(1_000n, 'api')).toBe(0);
  expect(needed(1_001n, 'api')).toBe(1);
  expect(needed(1_000n, 'batch')).toBe(1);
  expect(needed(1_000n, 'api', { paused: true })).toBe(1);
  expect(needed(1_000n, 'api', { autoApprove: null })).toBe(1);
  const two = { approvalRules: [{ aboveSats: '500', approvals: 2 }] };
  expect(needed(1_000n, 'api', {}, two)).toBe(2);
  expect(needed(500n, 'api', {}, two)).toBe(0);
  expect(needed(600n, 'api', { approvalRules: [{ aboveSats: '0', approvals: 3 }] }, two)).toBe(3);
});

test('every reason has a sentence for the merchant and one for the recipient that tells no affairs', () => {
  for (const [code, facts] of Object.entries(payoutReasonTable)) {
    expect(facts.message.length, code).toBeGreaterThan(20);
    expect(facts.recipientMessage, code).not.toMatch(/wallet|limit|policy|signer|screen|balance/i);
  }
});
