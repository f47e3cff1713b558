import { setTimeout as sleep } from 'node:timers/promises';
import { formatBtc, type Sats } from '@quittance/kernel';
import { type Regtest, satsOf } from '../../support/regtest.ts';
import type { Intention } from './clients.ts';
import type { Dice } from './dice.ts';

export type PayerWorld = {
  readonly regtest: Regtest;
  /** Scripts of orders may be paid, blocks made: false while the suite wants quiet. */
  running(): boolean;
  ended(): boolean;
  onSend(): void;
  onBlock(): void;
};

export type Payers = {
  pay(intention: Intention): void;
  /** Resolves when no payment is under way. */
  untilIdle(): Promise<void>;
  counts(): Record<string, number>;
};

/** Coins of their own, so that payments rarely build on each other and none waits for a block. */
const COINS = 200;
const COIN_SATS = 100_000_000n;
/** The longest wait of a late payer: the shortest expiry and a little. */
const LATE_AFTER_MS = 63_000;

/** Splits the wallet into many confirmed coins. */
export async function splitCoins({ walletRpc, newAddress, mine }: Regtest): Promise<void> {
  const outputs: Record<string, string> = {};
  for (let n = 0; n < COINS; n++) outputs[await newAddress()] = formatBtc(COIN_SATS);
  await walletRpc('send', { outputs, fee_rate: 2 });
  await mine(1);
}

/** Payers with their habits: each order's plan is carried out through the real node. */
export function startPayers(dice: Dice, world: PayerWorld): Payers {
  const { regtest } = world;
  const counts: Record<string, number> = {};
  const waiting: Intention[] = [];
  let busy = 0;

  function count(what: string): void {
    counts[what] = (counts[what] ?? 0) + 1;
  }

  async function send(outputs: Record<string, Sats>, feeRate: number): Promise<string> {
    const sent = regtest.walletRpc<{ txid: string }>('send', {
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([address, sats]) => [address, formatBtc(sats)]),
      ),
      fee_rate: feeRate,
      replaceable: true,
    });
    world.onSend();
    const { txid } = await sent;
    count('payments');
    return txid;
  }

  async function carryOut(intention: Intention): Promise<void> {
    const { order, plan } = intention;
    if (order === undefined) return;
    const due = BigInt(order.dueSats);
    const { address } = order;
    const feeRate = dice.between(2, 12);
    const pause = () => sleep(dice.between(10, 1_500));
    if (plan === 'unpaid' || plan === 'cancel') {
      // Now and then somebody pays what was cancelled: late money, which is held.
      if (plan === 'cancel' && dice.chance(0.3)) await send({ [address]: due }, feeRate);
      return;
    }
    if (plan === 'exact') await send({ [address]: due }, feeRate);
    if (plan === 'under') await send({ [address]: (due * 6n) / 10n }, feeRate);
    if (plan === 'over') await send({ [address]: due + due / 5n }, feeRate);
    if (plan === 'parts') {
      await send({ [address]: due / 3n }, feeRate);
      await pause();
      await send({ [address]: due - due / 3n }, feeRate);
    }
    if (plan === 'together') await payTogether(intention, feeRate);
    if (plan === 'bump') {
      const txid = await send({ [address]: due }, feeRate);
      await pause();
      await regtest.walletRpc('bumpfee', [txid, { fee_rate: feeRate + 15 }]);
      world.onSend();
      count('bumps');
    }
    if (plan === 'double-spend') {
      const txid = await send({ [address]: due }, feeRate);
      await pause();
      await spendElsewhere(txid);
    }
    if (plan === 'late') {
      await sleep(LATE_AFTER_MS, undefined, { ref: false });
      if (!world.ended()) await send({ [address]: due }, feeRate);
      count('late');
    }
  }

  /** One transaction that pays two orders. */
  async function payTogether({ order }: Intention, feeRate: number): Promise<void> {
    if (order === undefined) return;
    const outputs = { [order.address]: BigInt(order.dueSats) };
    const at = waiting.findIndex(({ plan }) => plan === 'exact');
    const [other] = at < 0 ? [] : waiting.splice(at, 1);
    if (other?.order !== undefined) outputs[other.order.address] = BigInt(other.order.dueSats);
    await send(outputs, feeRate);
  }

  /** Takes the coins of an unconfirmed payment back with a higher fee. */
  async function spendElsewhere(txid: string): Promise<void> {
    const { rpc, walletRpc } = regtest;
    const raw = await rpc.call<{ vin: { txid: string; vout: number }[] }>('getrawtransaction', [
      txid,
      1,
    ]);
    let sats = 0n;
    for (const { txid: from, vout } of raw.vin) {
      const coin = await rpc.call<{ value: unknown } | null>('gettxout', [from, vout, false]);
      // An unconfirmed coin: leave it, the plan is for the simple case.
      if (coin === null) return;
      sats += satsOf(coin.value);
    }
    const inputs = raw.vin.map((input) => ({ txid: input.txid, vout: input.vout }));
    const outputs = [{ [await regtest.newAddress()]: formatBtc(sats - 30_000n) }];
    const unsigned = await rpc.call<string>('createrawtransaction', [inputs, outputs, 0, true]);
    const { hex } = await walletRpc<{ hex: string }>('signrawtransactionwithwallet', [unsigned]);
    await rpc.call('sendrawtransaction', [hex]);
    world.onSend();
    count('doubleSpends');
  }

  async function work(): Promise<void> {
    while (!world.ended()) {
      const next = world.running() ? waiting.shift() : undefined;
      if (next === undefined) {
        await sleep(40);
        continue;
      }
      await attempt(next);
      await sleep(dice.between(20, 400));
    }
  }

  /** What the node refuses or loses is no fault here: the truth is what the chain then shows. */
  async function attempt(intention: Intention): Promise<void> {
    busy++;
    await carryOut(intention).catch(() => count('refusedByNode'));
    busy--;
  }

  for (let n = 0; n < 3; n++) void work();
  return {
    pay(intention) {
      if (intention.plan === 'late') void carryOut(intention).catch(() => count('refusedByNode'));
      else waiting.push(intention);
    },
    async untilIdle() {
      while (busy > 0) await sleep(20);
    },
    counts: () => ({ ...counts }),
  };
}

export type Miner = {
  untilIdle(): Promise<void>;
  /** Makes a block; all that is unconfirmed and pays enough comes in. */
  mineOn(blocks: number): Promise<void>;
  readonly highest: number;
  counts(): Record<string, number>;
};

const MAX_REORG = 4;
/** Blocks after which the node writes its state down: a crash takes back fewer than this. */
const FLUSH_EVERY = 5;

/** Mines at random moments, and at times gives up some blocks for others. */
export function startMiner(dice: Dice, world: PayerWorld): Miner {
  const { regtest } = world;
  let highest = 0;
  let blocks = 0;
  let reorgs = 0;
  let busy = false;

  async function mine(count: number): Promise<void> {
    const before = Math.floor(blocks / FLUSH_EVERY);
    const mined = regtest.mine(count);
    world.onBlock();
    await mined;
    blocks += count;
    highest = Math.max(highest, await regtest.rpc.call<number>('getblockcount'));
    // The node keeps its newest blocks in memory only and loses them when it is killed; this is
    // the one call that makes it write them down.
    if (Math.floor(blocks / FLUSH_EVERY) > before) await regtest.rpc.call('gettxoutsetinfo');
  }

  async function reorganise(): Promise<void> {
    const { rpc } = regtest;
    const depth = dice.between(1, MAX_REORG);
    const height = await rpc.call<number>('getblockcount');
    const hash = await rpc.call<string>('getblockhash', [height - depth + 1]);
    await rpc.call('invalidateblock', [hash]);
    world.onBlock();
    reorgs++;
    await sleep(dice.between(0, 300));
    if (dice.chance(0.5)) {
      // Blocks without any payment: what was confirmed has to wait again.
      const address = await regtest.newAddress();
      await rpc.call('generateblock', [address, []]);
    }
    await mine(depth + 1);
  }

  async function work(): Promise<void> {
    while (!world.ended()) {
      await sleep(dice.between(400, 1_800), undefined, { ref: false });
      if (!world.running() || world.ended()) continue;
      busy = true;
      const step = dice.chance(0.13) ? reorganise() : mine(dice.chance(0.15) ? 3 : 1);
      await step.catch(() => undefined);
      busy = false;
    }
  }

  void work();
  return {
    async untilIdle() {
      while (busy) await sleep(20);
    },
    mineOn: mine,
    get highest() {
      return highest;
    },
    counts: () => ({ blocks, reorgs }),
  };
}
