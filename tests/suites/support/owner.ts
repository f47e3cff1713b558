import { setTimeout as sleep } from 'node:timers/promises';
import { formatBtc, type Sats } from '@quittance/kernel';
import { BitcoinRpcError } from '../../../apps/server/src/platform/bitcoin-node/index.ts';
import { satsOf } from '../../support/regtest.ts';
import { count, type ForeignSpend, type PayoutRun, patiently } from './payout-run.ts';

type Coin = {
  readonly txid: string;
  readonly vout: number;
  readonly sats: Sats;
  readonly branch: 0 | 1;
  readonly index: number;
  readonly script: string;
};

/** A spend of ours that is to be robbed. */
type Prey = {
  readonly height: number | null;
  readonly coins: readonly Coin[];
  /** The bytes of its versions, as far as there are any, in hex. */
  readonly raws: readonly string[];
};

/** As deep as a branch of this suite goes: what is confirmed deeper stays. */
const BRANCH_DEPTH = 3;
/** Above what a transaction of ours and its children pay, so that the node prefers this one. */
const MARGIN_SATS = 20_000n;
/** It takes no more for itself at once. */
const MOST_SATS = 20_000_000n;
/** How long the other software waits for something of ours to be there. */
const PREY_WAIT_MS = 1_500;
/** What is left has to be worth sending. */
const LEAST_SATS = 20_000n;

/**
 * Takes coins from a spend of ours that is planned, signed, in the mempool or in one of the last
 * blocks. The keys are used without a wallet of the node: that would put our own transactions back
 * into a mempool that was lost.
 */
export async function conflict(all: PayoutRun): Promise<void> {
  const deadline = performance.now() + PREY_WAIT_MS;
  let prey = await findPrey(all);
  while (prey === undefined && performance.now() < deadline) {
    await sleep(100);
    prey = await findPrey(all);
  }
  if (prey === undefined) {
    count(all, 'conflictsWithoutPrey');
    return;
  }
  try {
    const made = await makeForeign(all, prey);
    if (made === undefined) return;
    all.foreign.push(made.spend);
    if (prey.height === null) await beside(all, made.hex, prey);
    else await onAnotherBranch(all, made.hex, prey.height);
    count(all, 'conflicts');
  } catch (error) {
    // A block was quicker, or the node was killed: there is nothing to be taken any more.
    if (!(error instanceof BitcoinRpcError)) throw error;
    count(all, 'conflictsRefused');
  }
}

async function findPrey(all: PayoutRun): Promise<Prey | undefined> {
  const { dice, world } = all;
  const tip = await patiently(() => world.regtest.rpc.call<number>('getblockcount'));
  const client = await world.connect();
  try {
    type Row = Omit<Coin, 'sats'> & { sats: string; spend_id: string; height: number | null };
    const { rows } = await client.query<Row>(
      `SELECT s.id AS spend_id, s.height, encode(c.txid, 'hex') AS txid, c.vout, c.branch, c.index,
              c.value_sats AS sats, encode(a.script, 'hex') AS script
         FROM spend s JOIN coin_reservation r ON r.spend_id = s.id
         JOIN coin c ON c.txid = r.txid AND c.vout = r.vout JOIN address a ON a.id = c.address_id
        WHERE s.state NOT IN ('final', 'failed') AND (s.height IS NULL OR s.height > $1)
        ORDER BY s.id, c.txid, c.vout`,
      [tip - BRANCH_DEPTH],
    );
    const waiting = rows.filter(({ height }) => height === null);
    const among = waiting.length > 0 && dice.chance(0.8) ? waiting : rows;
    if (among.length === 0) return undefined;
    const { spend_id: id, height } = dice.pick(among);
    const own = rows.filter(({ spend_id: spendId }) => spendId === id);
    const { rows: versions } = await client.query<{ raw: string }>(
      `SELECT encode(raw, 'hex') AS raw FROM spend_version
        WHERE spend_id = $1 AND raw IS NOT NULL ORDER BY version`,
      [id],
    );
    return {
      height,
      raws: versions.map(({ raw }) => raw),
      coins: own.map(({ txid, sats, ...coin }) => ({
        ...coin,
        sats: BigInt(sats),
        txid: Buffer.from(txid, 'hex').reverse().toString('hex'),
      })),
    };
  } finally {
    await client.end();
  }
}

/** Takes one coin of it, some or all; often a part goes back to one of our addresses. */
async function makeForeign(
  all: PayoutRun,
  prey: Prey,
): Promise<{ hex: string; spend: ForeignSpend } | undefined> {
  const { dice, world } = all;
  const { rpc, newAddress } = world.regtest;
  const first = dice.pick(prey.coins);
  const others = prey.coins.filter((coin) => coin !== first && dice.chance(0.25));
  const coins = [first, ...others];
  const takenSats = coins.reduce((sum, { sats }) => sum + sats, 0n);
  const leftSats = takenSats - (await feesToOutbid(all, coins)) - MARGIN_SATS;
  if (leftSats < LEAST_SATS) {
    count(all, 'conflictsNotWorthIt');
    return undefined;
  }
  // The wallet's coins become large as it tidies up: most goes back, or nobody could be paid.
  const keptSats = leftSats > MOST_SATS ? MOST_SATS / 2n : dice.chance(0.5) ? leftSats : LEAST_SATS;
  const returnedSats = leftSats - keptSats < LEAST_SATS ? 0n : leftSats - keptSats;
  const back = returnedSats === 0n ? undefined : dice.pick(all.deposits);
  const raw = await rpc.call<string>('createrawtransaction', [
    coins.map(({ txid, vout }) => ({ txid, vout })),
    [
      { [await newAddress()]: formatBtc(leftSats - returnedSats) },
      ...(back === undefined ? [] : [{ [back]: formatBtc(returnedSats) }]),
    ],
    0,
    true,
  ]);
  const signed = await rpc.call<{ hex: string; complete: boolean }>('signrawtransactionwithkey', [
    raw,
    coins.map(({ branch, index }) => world.ownerKey({ branch, index })),
    coins.map(({ txid, vout, script, sats }) => ({
      ...{ txid, vout, scriptPubKey: script, amount: formatBtc(sats) },
    })),
  ]);
  if (!signed.complete) throw new Error(`the owner's keys do not fit: ${JSON.stringify(signed)}`);
  const { txid } = await rpc.call<{ txid: string }>('decoderawtransaction', [signed.hex]);
  const names = coins.map((coin) => `${coin.txid}:${coin.vout}`);
  return { hex: signed.hex, spend: { txid, coins: names, takenSats, returnedSats } };
}

/** What our transactions in the mempool that spend these coins pay, with all that builds on them. */
async function feesToOutbid(all: PayoutRun, coins: readonly Coin[]): Promise<Sats> {
  const { rpc } = all.world.regtest;
  const spenders = await rpc.call<{ spendingtxid?: string }[]>('gettxspendingprevout', [
    coins.map(({ txid, vout }) => ({ txid, vout })),
  ]);
  let sum = 0n;
  for (const txid of new Set(spenders.flatMap(({ spendingtxid }) => spendingtxid ?? []))) {
    type Entry = { fees: { descendant: unknown } };
    sum += satsOf((await rpc.call<Entry>('getmempoolentry', [txid])).fees.descendant);
  }
  return sum;
}

/** It stays in the mempool, or is mined; at times ours is, or the block is taken off again. */
async function beside(all: PayoutRun, hex: string, { raws }: Prey): Promise<void> {
  const { dice, world } = all;
  const { rpc } = world.regtest;
  await rpc.call('sendrawtransaction', [hex, 0]);
  const what = dice.next();
  const ours = raws.length === 0 ? [] : [dice.pick(raws)];
  if (what < 0.35) return;
  if (what < 0.55 && ours.length > 0) {
    if (await mineOne(all, ours)) count(all, 'conflictsWon');
    return;
  }
  const [hash] = await world.regtest.mine(1);
  count(all, 'conflictsMined');
  if (dice.chance(0.6)) return;
  await rpc.call('invalidateblock', [hash ?? '']);
  await mineOne(all, dice.chance(0.4) ? [] : ours);
  await mineOne(all, []);
  count(all, 'conflictsReorged');
}

/** The block with ours leaves the chain, and on the other branch the coins are taken. */
async function onAnotherBranch(all: PayoutRun, hex: string, height: number): Promise<void> {
  const { rpc } = all.world.regtest;
  const tip = await rpc.call<number>('getblockcount');
  await rpc.call('invalidateblock', [await rpc.call<string>('getblockhash', [height])]);
  if (await mineOne(all, [hex])) count(all, 'conflictsOnBranch');
  for (let at = height; at <= tip; at++) await mineOne(all, []);
}

/** A block of just these transactions; an empty one where they do not fit the chain as it is. */
async function mineOne(all: PayoutRun, raws: readonly string[]): Promise<boolean> {
  const { rpc, newAddress } = all.world.regtest;
  const address = await newAddress();
  try {
    await rpc.call('generateblock', [address, raws]);
    return true;
  } catch (error) {
    if (raws.length === 0 || !(error instanceof BitcoinRpcError) || error.kind !== 'rpc')
      throw error;
    await rpc.call('generateblock', [address, []]);
    return false;
  }
}
