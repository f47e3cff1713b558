import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../../tests/support/postgres.ts';
import { chainHash, GENESIS_HASH } from './encoding.ts';
import {
  type Anchor,
  type BreakReason,
  orderSettled,
  paymentSeen,
  postTransfers,
  verifyAllBooks,
  verifyJournal,
} from './index.ts';
import * as store from './store.ts';
import {
  newUuid,
  openTestLedger,
  paymentArgs,
  receipt,
  START_MS,
  type TestLedger,
} from './test-ledger.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = openTestLedger(await createTestDatabase());
});
afterAll(() => ledger.close());

/** Six transfers: 1 seen, 2 confirmed, 3 seen, 4 confirmed, 5 settled, 6 seen. */
async function makeBook(): Promise<Uuid> {
  const bookId = newUuid();
  const settlement = { merchantId: bookId, orderId: newUuid(), epoch: 0, atMs: START_MS };
  await ledger.database.asSystem((tx) =>
    postTransfers(tx, [
      ...receipt(paymentArgs(bookId)),
      ...receipt(paymentArgs(bookId, { atMs: START_MS + 10 })),
      orderSettled({ ...settlement, dueSats: 1_500n, excessSats: 100n }),
      paymentSeen(paymentArgs(bookId)),
    ]),
  );
  return bookId;
}

/** Does what somebody with the owner's rights could do: no trigger, no foreign key in the way. */
function tamper(bookId: Uuid, ...statements: string[]) {
  return ledger.run(
    ledger.urls.ownerUrl,
    'SET session_replication_role = replica',
    ...statements.map((text): [string, unknown[]] => [text, [bookId]]),
  );
}

/** Makes every hash right again, as an attacker would who knows the encoding. */
async function rehash(bookId: Uuid): Promise<void> {
  const transfers = await ledger.database.asSystem((tx) =>
    store.readTransfers(tx, { bookId, after: 0n, limit: 100 }),
  );
  let hash: Uint8Array = GENESIS_HASH;
  const statements: [string, unknown[]][] = [];
  for (const transfer of transfers) {
    const next = chainHash(hash, transfer);
    statements.push([
      'UPDATE ledger_transfer SET prev_hash = $3, hash = $4 WHERE book_id = $1 AND sequence = $2',
      [bookId, transfer.sequence, hash, next],
    ]);
    hash = next;
  }
  statements.push(['UPDATE ledger_book SET head_hash = $2 WHERE id = $1', [bookId, hash]]);
  await ledger.run(ledger.urls.ownerUrl, 'SET session_replication_role = replica', ...statements);
}

function verify(bookId: Uuid, anchor?: Anchor) {
  return ledger.database.asSystem((tx) =>
    verifyJournal(tx, { bookId, ...(anchor === undefined ? {} : { anchor }) }),
  );
}

const AT = (sequence: number) => `WHERE book_id = $1 AND sequence = ${sequence}`;

type Tampering = [what: string, at: bigint, reason: BreakReason, ...statements: string[]];
const TAMPERINGS: Tampering[] = [
  ['an amount', 3n, 'hash', `UPDATE ledger_entry SET amount = amount + 1 ${AT(3)} AND leg = 1`],
  ['both amounts', 3n, 'hash', `UPDATE ledger_entry SET amount = amount * 10 ${AT(3)}`],
  ['a leg removed', 3n, 'hash', `DELETE FROM ledger_entry ${AT(3)} AND leg = 2`],
  [
    'the account of a leg',
    5n,
    'hash',
    `UPDATE ledger_entry SET account_id = 1 ${AT(5)} AND leg = 2`,
  ],
  ['a direction', 6n, 'hash', `UPDATE ledger_entry SET direction = 'credit' ${AT(6)} AND leg = 1`],
  [
    'a transfer removed',
    3n,
    'sequence',
    `DELETE FROM ledger_transfer ${AT(3)}`,
    `DELETE FROM ledger_entry ${AT(3)}`,
  ],
  [
    'two transfers swapped',
    3n,
    'chain',
    `UPDATE ledger_transfer SET sequence = sequence + 100 WHERE book_id = $1 AND sequence IN (3, 4)`,
    `UPDATE ledger_transfer SET sequence = CASE sequence WHEN 103 THEN 4 ELSE 3 END
     WHERE book_id = $1 AND sequence > 100`,
  ],
  [
    'the legs of two transfers swapped',
    4n,
    'hash',
    `UPDATE ledger_entry SET sequence = sequence + 100 WHERE book_id = $1 AND sequence IN (4, 5)`,
    `UPDATE ledger_entry SET sequence = CASE sequence WHEN 104 THEN 5 ELSE 4 END
     WHERE book_id = $1 AND sequence > 100`,
  ],
  [
    'the time of recording',
    4n,
    'hash',
    `UPDATE ledger_transfer SET recorded_at = recorded_at - interval '1 ms' ${AT(4)}`,
  ],
  [
    'the time of effect',
    4n,
    'hash',
    `UPDATE ledger_transfer SET effective_at = effective_at + interval '1 ms' ${AT(4)}`,
  ],
  [
    'a reference',
    2n,
    'hash',
    `UPDATE ledger_transfer SET reference = reference || '{"orderId": "x"}' ${AT(2)}`,
  ],
  [
    'a reference of another type',
    2n,
    'reference',
    `UPDATE ledger_transfer SET reference = reference || '{"epoch": 0}' ${AT(2)}`,
  ],
  ['a template', 1n, 'hash', `UPDATE ledger_transfer SET template = 'x' ${AT(1)}`],
  ['a phase', 6n, 'hash', `UPDATE ledger_transfer SET phase = 'single' ${AT(6)}`],
  ['a hash', 2n, 'hash', `UPDATE ledger_transfer SET hash = sha256('x') ${AT(2)}`],
  [
    'the floor of an account',
    1n,
    'hash',
    `UPDATE ledger_account SET floor = true WHERE book_id = $1 AND code = 'onchain.wallet'`,
  ],
  [
    'a counter',
    6n,
    'counters',
    `UPDATE ledger_account SET credits_posted = credits_posted + 1
     WHERE book_id = $1 AND code = 'merchant.available'`,
  ],
  [
    'the last transfer removed',
    5n,
    'head',
    `DELETE FROM ledger_transfer ${AT(6)}`,
    `DELETE FROM ledger_entry ${AT(6)}`,
  ],
  [
    'the head moved back',
    5n,
    'head',
    `UPDATE ledger_book SET head_sequence = 5,
       head_hash = (SELECT hash FROM ledger_transfer ${AT(5)}) WHERE id = $1`,
  ],
  ['the head changed', 6n, 'head', `UPDATE ledger_book SET head_hash = sha256('x') WHERE id = $1`],
];

test.each(TAMPERINGS)('verify finds %s', async (_, at, reason, ...statements) => {
  const bookId = await makeBook();
  expect(await verify(bookId)).toMatchObject({ ok: true, transfers: 6n });
  await tamper(bookId, ...statements);
  expect(await verify(bookId)).toMatchObject({ ok: false, firstBreak: { sequence: at, reason } });
});

const FORGERIES: Tampering[] = [
  [
    'an unbalanced transfer',
    3n,
    'unbalanced',
    `UPDATE ledger_entry SET amount = amount + 1 ${AT(3)} AND leg = 1`,
  ],
  ['a transfer of one leg', 3n, 'legs', `DELETE FROM ledger_entry ${AT(3)} AND leg = 2`],
  ['a post of another amount', 4n, 'pending', `UPDATE ledger_entry SET amount = 7 ${AT(4)}`],
  [
    'a post of nothing pending',
    4n,
    'pending',
    `UPDATE ledger_transfer SET pending_id = gen_random_uuid() ${AT(4)}`,
  ],
  [
    'a second post of one pending',
    2n,
    'pending',
    'DROP INDEX ledger_transfer_resolves_once',
    `UPDATE ledger_transfer SET pending_id =
       (SELECT pending_id FROM ledger_transfer ${AT(2)}) ${AT(4)}`,
  ],
  [
    'a withdrawal of more than there is',
    5n,
    'floor',
    `UPDATE ledger_entry SET amount = amount * 10 ${AT(5)}`,
  ],
  [
    'a time that goes back',
    2n,
    'time',
    `UPDATE ledger_transfer SET recorded_at = recorded_at - interval '1 s' ${AT(2)}`,
  ],
];

test.each(FORGERIES)(
  'verify finds %s though every hash is right',
  async (_, at, reason, ...statements) => {
    const bookId = await makeBook();
    const dropsIndex = statements[0]?.startsWith('DROP') === true;
    if (dropsIndex) await ledger.run(ledger.urls.ownerUrl, statements.shift() ?? '');
    await tamper(bookId, ...statements);
    await rehash(bookId);
    expect(await verify(bookId)).toMatchObject({ ok: false, firstBreak: { sequence: at, reason } });
  },
);

test('a history rewritten with all its hashes is found by a head that was kept elsewhere', async () => {
  const bookId = await makeBook();
  const before = await verify(bookId);
  const anchor = { sequence: before.transfers, hash: before.headHash };
  expect(await verify(bookId, anchor)).toMatchObject({ ok: true });
  await tamper(bookId, `UPDATE ledger_transfer SET reference = '{}' ${AT(2)}`);
  await rehash(bookId);
  expect(await verify(bookId)).toMatchObject({ ok: true });
  expect(await verify(bookId, anchor)).toMatchObject({ firstBreak: { reason: 'anchor' } });
  const later = { ...anchor, sequence: 7n };
  expect(await verify(bookId, later)).toMatchObject({ firstBreak: { reason: 'anchor' } });
});

test('a book of many pages verifies, and a break far inside is found at its place', async () => {
  const bookId = newUuid();
  const payments = Array.from({ length: 600 }, () => paymentArgs(bookId));
  const both = payments.map((args) => receipt(args));
  await ledger.database.asSystem(async (tx) => {
    await postTransfers(
      tx,
      both.flatMap(([seen]) => seen ?? []),
    );
    await postTransfers(
      tx,
      both.flatMap(([, confirmed]) => confirmed ?? []),
    );
  });
  expect(await verify(bookId)).toMatchObject({ ok: true, transfers: 1_200n });
  await tamper(bookId, `UPDATE ledger_entry SET amount = amount + 1 ${AT(1_100)} AND leg = 1`);
  expect(await verify(bookId)).toMatchObject({
    transfers: 1_099n,
    firstBreak: { sequence: 1_100n, reason: 'hash' },
  });
});

test('verifying every book names the broken ones and says so at the end', async () => {
  const good = await makeBook();
  const bad = await makeBook();
  await tamper(bad, `DELETE FROM ledger_entry ${AT(4)}`);
  const lines: string[] = [];
  const result = await verifyAllBooks(ledger.database, (line) => lines.push(line));
  expect(result.ok).toBe(false);
  expect(lines.find((line) => line.includes(good))).toMatch(
    /^ok .*: 6 transfers, head [0-9a-f]{64}$/,
  );
  expect(lines.find((line) => line.includes(bad))).toMatch(/^BROKEN .* at 4 \(.*\): hash: /);
  expect(lines.at(-1)).toMatch(/^BROKEN: \d+ books, \d+ transfers verified, \d+ books broken$/);
  expect(lines).toHaveLength(result.books + 1);
});

test('a book that does not exist is not called right', async () => {
  expect(await verify(newUuid())).toMatchObject({ ok: false, firstBreak: { reason: 'head' } });
});
