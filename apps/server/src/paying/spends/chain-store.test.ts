import { parseHash } from '@quittance/bitcoin';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { coinKeeper } from '../coins/index.ts';
import { readChainFacts, readUnconfirmedAncestors } from './chain-store.ts';

let receiving: Receiving;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

const txidOf = (name: string) => Buffer.from(name.padEnd(16, '.')).toString('hex').repeat(2);
type State = 'mempool' | 'block' | 'replaced' | 'dropped';

/** Puts a transaction on record; what it spends is "name:vout". Nothing else refers to it. */
async function record(name: string, state: State, spends: readonly string[]): Promise<void> {
  await receiving.sql(
    `INSERT INTO chain_transaction (txid, raw, state, height, first_seen_at, updated_at)
     VALUES ($1, $2, $3, $4, now(), now())`,
    [parseHash(txidOf(name)), Buffer.from(name), state, state === 'block' ? 5 : null],
  );
  for (const outpoint of spends) {
    const [from = '', vout] = outpoint.split(':');
    await receiving.sql('INSERT INTO chain_spend VALUES ($1, $2, $3)', [
      parseHash(txidOf(from)),
      Number(vout),
      parseHash(txidOf(name)),
    ]);
  }
}

async function reserve(spendId: string, name: string, vout: number): Promise<void> {
  // What a reservation stands for is not of interest here.
  await receiving.sql(
    `WITH free AS (SELECT set_config('session_replication_role', 'replica', true))
     INSERT INTO coin_reservation SELECT gen_random_uuid(), $1, $2, $3 FROM free`,
    [parseHash(txidOf(name)), vout, spendId],
  );
}

test('a coin is taken when somebody has what its lost ancestors spend, however far back', async () => {
  const { ids, database } = receiving;
  const [spendId, other] = [ids.next(), ids.next()];
  // deposit ← parent ← coin, all lost; a rival in a block spends what the deposit did.
  await record('deposit', 'dropped', ['outside:3']);
  await record('parent', 'replaced', ['deposit:0']);
  await record('coin', 'dropped', ['parent:1', 'elsewhere:0']);
  await record('rival', 'block', ['outside:3']);
  await record('there', 'mempool', ['outside:4']);
  await record('taker', 'mempool', ['there:0']);
  await reserve(spendId, 'coin', 2);
  await reserve(spendId, 'there', 0);
  await reserve(other, 'rival', 0);
  const facts = await database.asSystem((tx) => readChainFacts(tx, [spendId, other], 9));
  expect(facts.get(spendId)?.taken).toEqual(
    new Map([
      [`${txidOf('coin')}:2`, { txid: txidOf('rival'), height: 5 }],
      [`${txidOf('there')}:0`, { txid: txidOf('taker'), height: null }],
    ]),
  );
  expect(facts.get(spendId)?.missing).toEqual(new Set([`${txidOf('coin')}:2`]));
  expect(facts.get(other)).toMatchObject({ taken: new Map(), missing: new Set() });
});

test('what lost ancestors of reserved coins spend is watched', async () => {
  const watched: string[] = [];
  for await (const page of coinKeeper.unspent(receiving.database)) {
    watched.push(...page.map((outpoint) => Buffer.from(outpoint).toString('hex')));
  }
  const outpoint = (name: string, vout: number) =>
    Buffer.concat([parseHash(txidOf(name)), Buffer.from([vout, 0, 0, 0])]).toString('hex');
  expect(watched.toSorted()).toEqual(
    [
      outpoint('outside', 3),
      outpoint('deposit', 0),
      outpoint('parent', 1),
      outpoint('elsewhere', 0),
    ].toSorted(),
  );
});

test('unconfirmed ancestors come oldest first, and one generation is what made the coins', async () => {
  const coin = `${txidOf('coin')}:2`;
  const names = (generations?: number) =>
    receiving.database.asSystem(async (tx) =>
      (await readUnconfirmedAncestors(tx, [coin], generations)).map((raw) =>
        Buffer.from(raw).toString(),
      ),
    );
  expect(await names()).toEqual(['deposit', 'parent', 'coin']);
  expect(await names(1)).toEqual(['coin']);
});
