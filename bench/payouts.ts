import { formatBtc, type Sats, type Uuid } from '@quittance/kernel';
import { signApproval } from '@quittance/signer/client';
import type { FeeEstimator } from '../apps/server/src/paying/spends/index.ts';
import { refillPools } from '../apps/server/src/receiving/addresses/index.ts';
import { openPayer, type Payer, payoutSpendListener } from '../tests/support/payer.ts';
import { type Regtest, startRegtest } from '../tests/support/regtest.ts';
import { startTestPostgres } from '../tests/support/test-postgres.ts';
import { openVault, type Vault } from '../tests/support/vault.ts';
import { startSigner } from '../tests/support/vault-signer.ts';
import { type BenchOptions, type BenchResult, rounded, sleep } from './harness.ts';
import { run as runLightning } from './strategies.ts';

/**
 * Paying many: as one batch and one by one, over the real signer and the real node, until every
 * payout is final. The fee rate is above what a coin costs on an ordinary day, so that no run tidies
 * up the wallet at the other's expense.
 */

const PAYOUTS = 1_000;
const QUICK_PAYOUTS = 40;
const PAYOUT_SATS = 50_000n;
const COIN_SATS = 120_000n;
const FEE_RATE_SAT_PER_VB = 10n;
const ADDRESSES = 20;
const FINAL_BLOCKS = 101;
/** Everything takes minutes on a busy machine; more means that it has stopped. */
const PATIENCE_MS = 900_000;

/** One input that is spent by key and one output of the same kind (BIP141, weights over four). */
const VSIZE = { overhead: 10.5, input: 68, output: 31 };

type Run = {
  way: string;
  payouts: number;
  transactions: number;
  'fee (sat)': number;
  'sat per payout': number;
  'vB per payout': number;
  'made and approved (s)': number;
  'planned (s)': number;
  'signed and sent (s)': number;
  'mined (s)': number;
  'final after 101 blocks (s)': number;
};

/** On the chain over the real signer and node; over Lightning on a simulated network. */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const chain = await runOnChain(options);
  const lightning = await runLightning(options);
  return {
    ...chain,
    tables: { 'Lightning, simulated, by strategy': lightning.rows, ...lightning.tables },
    ratios: { ...chain.ratios, ...lightning.ratios },
    targets: [...chain.targets, ...lightning.targets],
    notes: [...(chain.notes ?? []), ...(lightning.notes ?? [])],
  };
}

async function runOnChain({ quick }: BenchOptions): Promise<BenchResult> {
  const count = quick ? QUICK_PAYOUTS : PAYOUTS;
  const rows = [await measure('one batch', count, count), await measure('one by one', count, 1)];
  const [batch, single] = rows;
  if (batch === undefined || single === undefined) throw new Error('both ways are measured');
  const least = VSIZE.output + (VSIZE.overhead + VSIZE.input * 2) / count;
  return {
    name: 'payouts',
    rows,
    ratios: {
      'fee of a single payout to one in the batch': rounded(
        single['sat per payout'] / batch['sat per payout'],
      ),
      'vbytes in the batch to the bytes of the output alone': rounded(
        batch['vB per payout'] / VSIZE.output,
      ),
    },
    targets: [
      {
        what: 'a batch pays for little beside its outputs',
        value: rounded(batch['vB per payout']),
        unit: 'vB per payout',
        // Each payout needs its output, and half a coin here; the rest is shared by all.
        limit: { atMost: rounded(least + VSIZE.input / 2 + 3) },
      },
      {
        what: 'a payout by itself is one input and two outputs',
        value: rounded(single['vB per payout']),
        unit: 'vB per payout',
        limit: { atMost: VSIZE.overhead + VSIZE.input + 2 * VSIZE.output + 1 },
      },
    ],
    notes: [
      `${count} payouts of ${formatBtc(PAYOUT_SATS)} BTC from coins of ${formatBtc(COIN_SATS)} BTC ` +
        `at ${FEE_RATE_SAT_PER_VB} sat/vB; every one final, every recipient paid exactly once.`,
    ],
  };
}

async function measure(way: string, count: number, batchSize: number): Promise<Run> {
  const [regtest, postgres, signer] = await Promise.all([
    startRegtest(),
    startTestPostgres(),
    startSigner(),
  ]);
  try {
    const vault = await openVault({
      ownerUrl: await postgres.createDatabase(),
      ...{ regtest, signer, listener: payoutSpendListener },
    });
    const { id, publicKey } = signer.process.approver;
    const payer = openPayer(vault, {
      fees: fixedFees(FEE_RATE_SAT_PER_VB * 1_000n),
      approver: { id, publicKey, approve: (terms) => signApproval(signer.process.approver, terms) },
    });
    try {
      await fund(vault, regtest, count);
      return await payAll({ vault, payer, regtest }, { way, count, batchSize });
    } finally {
      await payer.stop();
      await vault.close();
    }
  } finally {
    await signer.stop();
    await regtest.stop();
    await postgres.stop();
  }
}

async function payAll(
  { vault, payer, regtest }: { vault: Vault; payer: Payer; regtest: Regtest },
  { way, count, batchSize }: { way: string; count: number; batchSize: number },
): Promise<Run> {
  await payer.processor({ batchSize });
  const addresses: string[] = [];
  for (let n = 0; n < count; n++) addresses.push(await regtest.newAddress());
  const ids: Uuid[] = [];
  const made = await timed(async () => {
    for (const address of addresses) ids.push(await payer.payout(address, PAYOUT_SATS));
  });
  const planned = await timed(() => payer.round());
  const worker = vault.work();
  const sent = await timed(() => untilAll(vault, 'broadcast', count));
  const mined = await timed(async () => {
    await regtest.mine(1);
    await untilAll(vault, 'confirmed', count);
  });
  const final = await timed(async () => {
    await regtest.mine(FINAL_BLOCKS - 1);
    await untilAll(vault, 'final', count);
  });
  await worker.stop();
  await checkPaid(vault, addresses);
  const [sums] = await vault.shop.sql<{ spends: string; fee: string; vsize: string }>(
    `SELECT count(*) AS spends, sum(v.fee_sats) AS fee, sum(v.vsize) AS vsize
       FROM spend s JOIN spend_version v ON v.spend_id = s.id AND v.version = s.version`,
  );
  const fee = Number(sums?.fee);
  return {
    way,
    payouts: count,
    transactions: Number(sums?.spends),
    'fee (sat)': fee,
    'sat per payout': rounded(fee / count),
    'vB per payout': rounded(Number(sums?.vsize) / count),
    'made and approved (s)': made,
    'planned (s)': planned,
    'signed and sent (s)': sent,
    'mined (s)': mined,
    'final after 101 blocks (s)': final,
  };
}

/** Every recipient has exactly what was promised; anything else is no benchmark but a defect. */
async function checkPaid(vault: Vault, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const received = await vault.received(address);
    if (received !== PAYOUT_SATS) throw new Error(`${address} received ${received} sat`);
  }
}

async function untilAll(vault: Vault, state: string, count: number): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const [row] = await vault.shop.sql<{ there: string }>(
      'SELECT count(*) AS there FROM payout WHERE state = $1',
      [state],
    );
    if (Number(row?.there) === count) return;
    if (performance.now() > endMs) throw new Error(`${row?.there} of ${count} are ${state}`);
    await sleep(20);
  }
}

/** A coin for each payout and some to spare: those that are paid one by one need one each. */
async function fund(vault: Vault, regtest: Regtest, count: number): Promise<void> {
  const [first] = await vault.fund(1, COIN_SATS);
  await refillPools(vault.shop.database, new AbortController().signal);
  const rows = await vault.shop.sql<{ address: string }>(
    'SELECT address FROM address WHERE wallet_id = $1 AND branch = 0 ORDER BY index LIMIT $2',
    [vault.walletId, ADDRESSES],
  );
  const addresses = rows.map(({ address }) => address);
  if (first === undefined || addresses.length === 0) throw new Error('no address is watched');
  const amount = formatBtc(COIN_SATS);
  const amounts = Object.fromEntries(addresses.map((address) => [address, amount]));
  for (let coins = 0; coins < count + ADDRESSES; coins += addresses.length) {
    await regtest.walletRpc('sendmany', { amounts, fee_rate: 5 });
  }
  await regtest.mine(1);
  await vault.caughtUp();
}

function fixedFees(feeRate: bigint): FeeEstimator {
  return {
    estimate: async ({ targetBlocks }) => ({ feeRate, source: 'fixed', targetBlocks, atMs: 0 }),
    floor: async () => 1_000n,
    // Nothing is tidied up at this price, and change is kept.
    longTerm: (): Sats => 5_000n,
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return rounded((performance.now() - began) / 1_000);
}
