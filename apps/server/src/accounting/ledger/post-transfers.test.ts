import { MAX_INT64, type Uuid } from '@quittance/kernel';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../../tests/support/postgres.ts';
import {
  type AccountDefinition,
  type Leg,
  LedgerError,
  listTransfers,
  MAX_BATCH,
  type Phase,
  paymentReorged,
  paymentSeen,
  postTransfers,
  readAccounts,
  readBalances,
  readTransfer,
  type Transfer,
  transferId,
  verifyJournal,
} from './index.ts';
import {
  newUuid,
  openTestLedger,
  paymentArgs,
  receipt,
  START_MS,
  type TestLedger,
} from './test-ledger.ts';
import { emptyModel, type Model, modelBalances, postToModel } from './test-model.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = openTestLedger(await createTestDatabase());
});
afterAll(() => ledger.close());

const account = (
  code: string,
  asset: string,
  kind: AccountDefinition['kind'],
  floor: boolean,
): AccountDefinition => ({ code, asset, kind, floor });
const ACCOUNTS = [
  account('cash', 'BTC', 'asset', true),
  account('owed', 'BTC', 'liability', true),
  account('capital', 'BTC', 'equity', false),
  account('fees', 'BTC', 'expense', true),
  account('till', 'BTC', 'asset', false),
  account('bank', 'USD', 'asset', true),
  account('sales', 'USD', 'income', true),
  account('reserve', 'USD', 'equity', false),
];

type Step = {
  id: number;
  phase: Phase;
  pending: number;
  /** A retry of what the id stands for; a resolution that repeats the pending legs. */
  repeat: boolean;
  pairs: { debit: number; credit: number; amount: bigint }[];
  slip: 'none' | 'unbalanced' | 'one_leg' | 'redefined' | 'other_phase';
  reference: Record<string, string>;
  effectiveMs: number;
  recordedMs: number;
};

/** Each comes up dozens of times whatever the seed; the rarer ones have tests of their own. */
const COMMON_REFUSALS = ['transfer_mismatch', 'pending_not_found', 'below_floor'];

const IDS = 14;
const step: fc.Arbitrary<Step> = fc.record({
  id: fc.nat(IDS - 1),
  phase: fc.constantFrom<Phase>('single', 'single', 'pending', 'pending', 'post', 'post', 'void'),
  pending: fc.nat(IDS - 1),
  repeat: fc.constantFrom(true, true, false),
  pairs: fc.array(
    fc.record({
      debit: fc.nat(ACCOUNTS.length - 1),
      credit: fc.nat(ACCOUNTS.length - 1),
      amount: fc.oneof(
        { weight: 30, arbitrary: fc.bigInt(1n, 100n) },
        { weight: 1, arbitrary: fc.constantFrom(MAX_INT64, MAX_INT64 - 50n) },
      ),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  slip: fc.oneof(
    { weight: 30, arbitrary: fc.constant('none' as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'unbalanced' as const,
        'one_leg' as const,
        'redefined' as const,
        'other_phase' as const,
      ),
    },
  ),
  reference: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 3 }),
    fc.constantFrom('', 'é', '1:a,', '"'),
    { maxKeys: 2 },
  ),
  effectiveMs: fc.nat(1_000),
  recordedMs: fc.nat(1_000),
});

/** Something to spend, so that not everything ends at a floor. */
const FUNDING: Step[] = [
  { debit: 0, credit: 2, amount: 300n },
  { debit: 4, credit: 1, amount: 300n },
  { debit: 5, credit: 1, amount: 300n },
].map((pair, n) => ({
  id: IDS + n,
  phase: 'single',
  pending: 0,
  repeat: false,
  pairs: [pair],
  slip: 'none',
  reference: {},
  effectiveMs: 0,
  recordedMs: 0,
}));

function makeTransfer(bookId: Uuid, model: Model, planned: Step): Transfer {
  const idOf = (n: number) => transferId('test', bookId, String(n));
  const recordedAtMs = START_MS + planned.recordedMs;
  const known = model.transfers.get(idOf(planned.id));
  if (planned.repeat && known !== undefined) return { ...known, recordedAtMs };
  const resolves = planned.phase === 'post' || planned.phase === 'void';
  const pendings = [...model.transfers.values()].filter(({ phase }) => phase === 'pending');
  const target = planned.repeat ? pendings[planned.pending % (pendings.length || 1)] : undefined;
  const legs = (resolves ? target?.legs : undefined) ?? makeLegs(planned);
  return {
    id: idOf(planned.id),
    bookId,
    template: 'test',
    phase: planned.slip === 'other_phase' && !resolves ? 'post' : planned.phase,
    ...(resolves ? { pendingId: target?.id ?? idOf(planned.pending) } : {}),
    effectiveAtMs: START_MS + planned.effectiveMs,
    recordedAtMs,
    reference: planned.reference,
    legs,
  };
}

function makeLegs({ pairs, slip }: Step): Leg[] {
  const legs = pairs.flatMap(({ debit, credit, amount }): Leg[] => {
    const from = ACCOUNTS[debit] as AccountDefinition;
    const same = ACCOUNTS.filter(({ asset }) => asset === from.asset);
    const to = same[credit % same.length] as AccountDefinition;
    return [
      { account: from, direction: 'debit', amount },
      { account: to, direction: 'credit', amount },
    ];
  });
  const [first, ...rest] = legs as [Leg, ...Leg[]];
  if (slip === 'one_leg') return [first];
  if (slip === 'unbalanced') return [{ ...first, amount: first.amount / 2n + 1_000n }, ...rest];
  if (slip !== 'redefined') return legs;
  return [{ ...first, account: { ...first.account, floor: !first.account.floor } }, ...rest];
}

test('any batches do what the rules say: sums, floors, pendings, retries, refusals, as of', async () => {
  const outcomes = new Map<string, number>();
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), {
    minLength: 6,
    maxLength: 16,
  });
  await fc.assert(
    fc.asyncProperty(batches, async (planned) => {
      const bookId = newUuid();
      let model = emptyModel();
      for (const steps of [FUNDING, ...planned]) {
        const batch = steps.map((one) => makeTransfer(bookId, model, one));
        const expected = postToModel(model, batch);
        const answer = await postOrRefuse(batch);
        if ('refused' in expected) {
          expect(answer).toBe(expected.refused);
        } else {
          expect(answer).toBe(expected.recorded);
          model = expected.model;
        }
        outcomes.set(String(answer), (outcomes.get(String(answer)) ?? 0) + 1);
        expect(await counters(bookId)).toEqual(modelBalances(model));
      }
      for (const [atMs, balances] of model.balancesAt) {
        expect(await counters(bookId, atMs)).toEqual(balances);
      }
      const verified = await ledger.database.asSystem((tx) => verifyJournal(tx, { bookId }));
      if (model.transfers.size > 0) {
        expect(verified.firstBreak).toBeUndefined();
        expect(verified.transfers).toBe(BigInt(model.transfers.size));
      }
    }),
    { numRuns: 80 },
  );
  // The property is worth little unless the interesting outcomes really came up.
  for (const outcome of ['0', '1', '2', ...COMMON_REFUSALS]) {
    expect(outcomes.get(outcome), outcome).toBeGreaterThan(0);
  }
}, 120_000);

test('pending money does not count as posted, and resolves once, in full, to posted or nothing', async () => {
  const bookId = newUuid();
  const [seen, confirmed] = receipt(paymentArgs(bookId)) as [Transfer, Transfer];
  await post([seen]);
  expect(await wallet(bookId)).toMatchObject({ posted: 0n, debitsPending: 1_000_000n });
  const half = { ...confirmed, legs: confirmed.legs.map((leg) => ({ ...leg, amount: 1n })) };
  expect(await postOrRefuse([half])).toBe('pending_mismatch');
  expect(await postOrRefuse([{ ...confirmed, pendingId: newUuid() }])).toBe('pending_not_found');
  await post([confirmed]);
  expect(await wallet(bookId)).toMatchObject({ posted: 1_000_000n, debitsPending: 0n });
  const again: Transfer = { ...confirmed, id: newUuid(), phase: 'void' };
  expect(await postOrRefuse([again])).toBe('pending_already_posted');
  expect(await postOrRefuse([{ ...again, pendingId: confirmed.id }])).toBe('pending_not_pending');
});

test('a retry is a no-op even at another time of recording, and any other change is refused', async () => {
  const bookId = newUuid();
  const seen = paymentSeen(paymentArgs(bookId));
  expect(await post([seen, seen])).toBe(1);
  expect(await post([{ ...seen, recordedAtMs: START_MS + 5 }])).toBe(0);
  const [debit, credit] = seen.legs as [Leg, Leg];
  const changes: Partial<Transfer>[] = [
    { template: 'other' },
    { phase: 'single' },
    { effectiveAtMs: START_MS + 1 },
    { reference: {} },
    { reference: { ...seen.reference, more: '' } },
    { legs: [credit, debit] },
    { legs: [debit, credit, debit, credit] },
    { legs: seen.legs.map((leg) => ({ ...leg, amount: leg.amount + 1n })) },
  ];
  for (const change of changes) {
    expect(await postOrRefuse([{ ...seen, ...change }]), JSON.stringify(Object.keys(change))).toBe(
      'transfer_mismatch',
    );
  }
});

test('a batch is recorded whole or not at all, and a rolled back one leaves no gap', async () => {
  const bookId = newUuid();
  const good = paymentArgs(bookId);
  const bad = paymentReorged(paymentArgs(bookId, { amountSats: 1_001n }));
  expect(await postOrRefuse([...receipt(good), bad])).toBe('below_floor');
  const failure = ledger.database.asTenant(bookId, async (tx) => {
    await postTransfers(tx, receipt(good));
    throw new Error('the use case failed');
  });
  await expect(failure).rejects.toThrow('the use case failed');
  expect(await counters(bookId)).toEqual([]);
  await post(receipt(good));
  const { transfers } = await ledger.database.asTenant(bookId, (tx) =>
    listTransfers(tx, { bookId, limit: 10 }),
  );
  expect(transfers.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
});

test('an account can not be pushed out of 64 bits', async () => {
  const bookId = newUuid();
  const legs: Leg[] = [
    { account: ACCOUNTS[4] as AccountDefinition, direction: 'debit', amount: MAX_INT64 },
    { account: ACCOUNTS[2] as AccountDefinition, direction: 'credit', amount: MAX_INT64 },
  ];
  const transfer: Transfer = { ...paymentSeen(paymentArgs(bookId)), phase: 'single', legs };
  await post([transfer]);
  expect(await postOrRefuse([{ ...transfer, id: newUuid() }])).toBe('overflow');
  // Halves of a sum beyond 64 bits balance and are refused only because they do not fit.
  expect(await postOrRefuse([{ ...transfer, id: newUuid(), legs: [...legs, ...legs] }])).toBe(
    'overflow',
  );
});

test('too large a batch is refused, an empty one is nothing', async () => {
  const seen = paymentSeen(paymentArgs(newUuid()));
  expect(await postOrRefuse(Array.from({ length: MAX_BATCH + 1 }, () => seen))).toBe(
    'batch_too_large',
  );
  expect(await postOrRefuse([])).toBe(0);
});

test('transfers are read back as they were posted, by id and by pages', async () => {
  const bookId = newUuid();
  const posted = [1, 2, 3].flatMap((n) => receipt(paymentArgs(bookId, { epoch: n })));
  await post(posted);
  const pages = await ledger.database.asTenant(bookId, async (tx) => [
    await listTransfers(tx, { bookId, limit: 4 }),
    await listTransfers(tx, { bookId, startingAfter: 4n, limit: 4 }),
  ]);
  expect(pages.map(({ hasMore }) => hasMore)).toEqual([true, false]);
  const read = pages.flatMap(({ transfers }) => transfers);
  expect(read).toEqual(posted.map((transfer) => expect.objectContaining(transfer)));
  expect(read.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
  const found = await ledger.database.asTenant(bookId, async (tx) => ({
    one: await readTransfer(tx, { bookId, id: posted[3]?.id ?? '' }),
    none: await readTransfer(tx, { bookId, id: newUuid() }),
    accounts: await readAccounts(tx, bookId),
  }));
  expect(found.one).toEqual(read[3]);
  expect(found.none).toBeUndefined();
  expect(found.accounts.map(({ code }) => code)).toEqual(['onchain.wallet', 'receipts.unapplied']);
});

test('a clock that jumps back does not reorder the journal', async () => {
  const bookId = newUuid();
  await post([paymentSeen(paymentArgs(bookId, { atMs: START_MS + 9_000 }))]);
  await post([paymentSeen(paymentArgs(bookId, { atMs: START_MS }))]);
  const { transfers } = await ledger.database.asTenant(bookId, (tx) =>
    listTransfers(tx, { bookId, limit: 10 }),
  );
  expect(transfers.map(({ recordedAtMs }) => recordedAtMs - START_MS)).toEqual([9_000, 9_000]);
  expect(transfers.map(({ effectiveAtMs }) => effectiveAtMs - START_MS)).toEqual([9_000, 0]);
  expect(await counters(bookId, START_MS)).toEqual([]);
});

function post(batch: readonly Transfer[]): Promise<number> {
  return ledger.database.asSystem((tx) => postTransfers(tx, batch));
}

async function postOrRefuse(batch: readonly Transfer[]): Promise<number | string> {
  try {
    return await post(batch);
  } catch (error) {
    if (error instanceof LedgerError) return error.code;
    throw error;
  }
}

async function wallet(bookId: Uuid) {
  const balances = await ledger.database.asTenant(bookId, (tx) => readBalances(tx, { bookId }));
  return balances.find(({ code }) => code === 'onchain.wallet');
}

async function counters(bookId: Uuid, asOfMs?: number) {
  const balances = await ledger.database.asTenant(bookId, (tx) =>
    readBalances(tx, { bookId, ...(asOfMs === undefined ? {} : { asOfMs }) }),
  );
  return balances.map((balance) => ({
    code: balance.code,
    asset: balance.asset,
    kind: balance.kind,
    floor: balance.floor,
    debitsPosted: balance.debitsPosted,
    creditsPosted: balance.creditsPosted,
    debitsPending: balance.debitsPending,
    creditsPending: balance.creditsPending,
  }));
}
