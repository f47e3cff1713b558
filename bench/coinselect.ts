import {
  addressToScript,
  type Coin,
  DEFAULT_LONG_TERM_FEE_RATE,
  descriptorSizes,
  type FeeRate,
  type Plan,
  selectCoins,
  type SelectionRequest,
} from '@quittance/bitcoin';
import { assert, type Random, type Sats } from '@quittance/kernel';
import { bestSelection, longRunCost } from '../packages/bitcoin/src/testing/best-selection.ts';
import { seededRandom } from '../packages/bitcoin/src/testing/seeded.ts';
import { type BenchOptions, type BenchResult, median, rounded } from './harness.ts';
import { type NodePlan, openNodeWallet } from './support/node-wallet.ts';

/**
 * Coin selection three ways: how long a large wallet takes; what plans of small wallets cost beyond
 * the best of all sets of coins; and what plans cost beside those of bitcoind's own wallet, on the
 * same coins, at the same fee rate.
 *
 * Cost is the fee paid now and what spending the coins that are left will cost at the long-term
 * rate, the change among them (docs/adr/0010). Against bitcoind, coins that neither spends are left
 * out of both sides.
 */

const SEED = 2_026;
const LONG_TERM = DEFAULT_LONG_TERM_FEE_RATE;
const FEE_RATES: readonly FeeRate[] = [1n, 2n, 4n, 7n, 12n, 20n, 50n, 120n].map(
  (satPerVb) => satPerVb * 1_000n,
);
/** bitcoind signs with short signatures and plans with them, so ours do here too. */
const WPKH = descriptorSizes(
  { kind: 'wpkh', threshold: null, keys: [{}] },
  { signatures: 'low_r' },
);
const TAPROOT = descriptorSizes({ kind: 'tr', threshold: null, keys: [{}] });
const PAYEE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const speed = measureSpeed(quick);
  const small = measureSmallWallets(quick ? 100 : 600);
  const node = await measureAgainstNode(
    quick ? { coins: 100, scenarios: 16 } : { coins: 400, scenarios: 250 },
  );
  return {
    name: 'coinselect',
    rows: [...speed.rows, ...small.rows, ...node.rows],
    ratios: {
      medianPlanMs: speed.medianMs,
      smallWalletCostToOptimum: small.average,
      costToBitcoind: node.average,
      feeToBitcoind: node.fees,
    },
    targets: [
      {
        what: 'median plan of 1,000 payments from 200,000 coins',
        value: speed.medianMs,
        unit: 'ms',
        limit: { atMost: 1_000 },
      },
      {
        what: 'cost beside the best of all sets, small wallets, average',
        value: small.average,
        unit: '×',
        limit: { atMost: 1.01 },
      },
      {
        what: `cost beside bitcoind's wallet, average of ${node.count} scenarios`,
        value: node.average,
        unit: '×',
        limit: { atMost: 1 },
      },
    ],
    notes: [
      'Cost: fee now, and at 10 sat/vB the later spending of what is left, change included; against ' +
        'bitcoind without the coins that neither spends.',
      `Dearest beside the best set: ${small.worst} ×. Beside bitcoind: dearer in ${node.dearer} of ` +
        `${node.count} scenarios, at most ${node.worst} ×; median ${node.median} ×.`,
    ],
    versions: { bitcoind: node.version },
  };
}

type Row = Record<string, unknown>;
type Scenario = Omit<SelectionRequest, 'random'>;

function measureSpeed(quick: boolean): { rows: Row[]; medianMs: number } {
  const dice = makeDice(seededRandom(SEED));
  const rows: Row[] = [];
  const all: number[] = [];
  for (const kinds of [[WPKH], [WPKH, TAPROOT]]) {
    const coins = Array.from(
      { length: 200_000 },
      (_, i): Coin => ({
        id: `${i}`,
        valueSats: dice.amount(4, 7),
        input: (kinds[i % kinds.length] ?? WPKH).input,
        unconfirmedDepth: 0,
      }),
    );
    const amounts = Array.from({ length: 1_000 }, () => dice.amount(4, 6.5));
    for (const feeRate of quick ? FEE_RATES.slice(3, 5) : FEE_RATES) {
      const times: number[] = [];
      let inputs = 0;
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        const began = performance.now();
        inputs = plan(scenario(coins, amounts, feeRate)).inputs.length;
        times.push(performance.now() - began);
      }
      all.push(...times);
      const what = `200,000 coins of ${kinds.length} kinds, 1,000 payments`;
      rows.push({ what, satPerVb: Number(feeRate) / 1_000, inputs, ms: rounded(median(times)) });
    }
  }
  return { rows, medianMs: rounded(median(all)) };
}

function measureSmallWallets(count: number): { rows: Row[]; average: number; worst: number } {
  const dice = makeDice(seededRandom(SEED + 1));
  const ratios: number[] = [];
  while (ratios.length < count) {
    // Coins of like size leave many ways to do without change, which are the hard ones to find.
    const top = dice.below(2) === 0 ? 6.5 : 4.8;
    const coins = Array.from(
      { length: 2 + dice.below(11) },
      (_, i): Coin => ({
        id: `${i}`,
        valueSats: dice.amount(4, top),
        input: (dice.below(3) === 0 ? TAPROOT : WPKH).input,
        unconfirmedDepth: 0,
      }),
    );
    const amounts = Array.from({ length: 1 + dice.below(3) }, () => dice.amount(3.5, top - 0.3));
    const given = scenario(coins, amounts, dice.one(FEE_RATES));
    const best = bestSelection(given);
    if (best !== null) ratios.push(costOf(given, plan(given)) / best.cost);
  }
  const average = mean(ratios);
  const worst = Math.max(...ratios);
  const what = `${count} wallets of 2 to 12 coins: cost beside the best of all sets`;
  const optimal = ratios.filter((ratio) => ratio < 1 + 1e-9).length;
  const row = { what, optimal, average: round(average), worst: round(worst) };
  return { rows: [row], average: round(average), worst: round(worst) };
}

async function measureAgainstNode(size: { coins: number; scenarios: number }) {
  const dice = makeDice(seededRandom(SEED + 2));
  const wallet = await openNodeWallet(
    Array.from({ length: size.coins }, () => dice.amount(4, 6.7)),
  );
  try {
    const samples: Sample[] = [];
    while (samples.length < size.scenarios) {
      const offered = dice.some(wallet.coins, 5 + dice.below(size.coins / 2));
      const sum = offered.reduce((total, { valueSats }) => total + valueSats, 0n);
      const share = BigInt(5 + dice.below(60));
      const parts = 1 + dice.below(5);
      const amount = (sum * share) / 100n / BigInt(parts);
      const amounts = Array.from({ length: parts }, (_, i) => amount + BigInt(997 * i));
      const feeRate = dice.one(FEE_RATES);
      const coins = offered.map(
        ({ id, valueSats }): Coin => ({
          id,
          valueSats,
          input: WPKH.input,
          unconfirmedDepth: 0,
        }),
      );
      const given = scenario(coins, amounts, feeRate);
      await wallet.offer(offered);
      const theirs = await wallet.fund(amounts, Number(feeRate) / 1_000);
      const ours = selectCoins({ ...given, random: seededRandom(samples.length) });
      // Scenarios without enough money are none; where only one side finds a way it would show.
      assert(ours.ok === (theirs !== null), 'both or neither can pay');
      if (ours.ok && theirs !== null) samples.push(compare(given, ours.plan, theirs));
    }
    return { ...summarise(samples), version: wallet.version };
  } finally {
    await wallet.stop();
  }
}

type Sample = { feeRate: FeeRate; cost: number; fee: number; saved: number; inputs: number[] };

function compare(given: Scenario, ours: Plan, theirs: NodePlan): Sample {
  const spentByThem = new Set(theirs.ids);
  const spentByUs = new Set(ours.inputs.map(({ id }) => id));
  const touched = given.coins.filter(({ id }) => spentByThem.has(id) || spentByUs.has(id));
  const common = { ...given, coins: touched };
  const our = costOf(common, ours);
  const their = longRunCost(common, {
    feeSats: theirs.feeSats,
    hasChange: theirs.hasChange,
    spent: touched.filter(({ id }) => spentByThem.has(id)),
  });
  return {
    feeRate: given.feeRate,
    cost: our / their,
    fee: Number(ours.feeSats) / Number(theirs.feeSats),
    saved: their - our,
    inputs: [ours.inputs.length, theirs.ids.length],
  };
}

function summarise(samples: readonly Sample[]) {
  const rows = FEE_RATES.map((feeRate) => {
    const some = samples.filter((sample) => sample.feeRate === feeRate);
    if (some.length === 0) return { what: 'beside bitcoind', scenarios: 0 };
    return {
      what: 'beside bitcoind',
      satPerVb: Number(feeRate) / 1_000,
      scenarios: some.length,
      cost: round(mean(some.map(({ cost }) => cost))),
      worst: round(Math.max(...some.map(({ cost }) => cost))),
      fee: round(mean(some.map(({ fee }) => fee))),
      savedSats: rounded(mean(some.map(({ saved }) => saved))),
      inputs: rounded(mean(some.map(({ inputs }) => inputs[0] ?? 0))),
      theirInputs: rounded(mean(some.map(({ inputs }) => inputs[1] ?? 0))),
    };
  });
  const costs = samples.map(({ cost }) => cost);
  return {
    rows,
    count: samples.length,
    average: round(mean(costs)),
    median: round(median(costs)),
    worst: round(Math.max(...costs)),
    dearer: costs.filter((cost) => cost > 1 + 1e-9).length,
    fees: round(mean(samples.map(({ fee }) => fee))),
  };
}

function scenario(coins: readonly Coin[], amounts: readonly Sats[], feeRate: FeeRate): Scenario {
  const parsed = addressToScript(PAYEE, 'regtest');
  assert(parsed.ok, 'the payee has an address');
  const { script } = parsed;
  const payments = amounts.map((amountSats) => ({
    script,
    amountSats,
    feeFrom: 'sender' as const,
  }));
  return { coins, payments, feeRate, longTermFeeRate: LONG_TERM, change: WPKH };
}

function plan(given: Scenario): Plan {
  const selection = selectCoins({ ...given, random: seededRandom(SEED) });
  assert(selection.ok, 'there is money enough');
  return selection.plan;
}

function costOf(given: Scenario, { inputs, feeSats, changeSats }: Plan): number {
  return longRunCost(given, { feeSats, hasChange: changeSats !== null, spent: inputs });
}

type Dice = {
  below(limit: number): number;
  /** Spread evenly over the powers of ten. */
  amount(fromPower: number, toPower: number): Sats;
  one<T>(items: readonly T[]): T;
  some<T>(items: readonly T[], count: number): T[];
};

function makeDice(random: Random): Dice {
  const next = () => {
    const bytes = random(new Uint8Array(4));
    return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    amount: (from, to) => BigInt(Math.floor(10 ** (from + (to - from) * next()))),
    one(items) {
      const item = items[below(items.length)];
      assert(item !== undefined, 'there is an item');
      return item;
    },
    some(items, count) {
      const drawn = items.map((item) => ({ item, key: next() }));
      return drawn
        .toSorted((a, b) => a.key - b.key)
        .slice(0, count)
        .map(({ item }) => item);
    },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Ratios near 1 differ in the fourth digit. */
function round(value: number): number {
  return Number(value.toFixed(4));
}
