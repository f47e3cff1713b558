import type { Sats, Uuid } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { followFacts, type Movement, type MovementFacts, type MovementIntent } from './movement.ts';

const merchantId = '018f0000-0000-7000-8000-000000000001' as Uuid;
const txid = 'ab'.repeat(32);

const facts = (more: Partial<MovementFacts>): MovementFacts => ({
  ...{ merchantId, txid, place: 'mempool', depositedSats: 0n, spentSats: 0n },
  ...more,
});

const anyFacts = fc
  .record({
    place: fc.constantFrom('mempool' as const, 'block' as const, null),
    depositedSats: fc.bigInt(0n, 3n),
    spentSats: fc.bigInt(0n, 3n),
  })
  .map(facts);

type Book = { posted: Sats; pending: Sats };

/** What a ledger makes of the intents: refuses what it would refuse. */
function post(book: Book, open: Map<number, Sats>, intents: readonly MovementIntent[]): Book {
  let { posted, pending } = book;
  for (const { template, epoch, amountSats } of intents) {
    expect(amountSats).toBeGreaterThan(0n);
    if (template === 'wallet-deposit-seen') {
      expect(open.has(epoch)).toBe(false);
      open.set(epoch, amountSats);
      pending += amountSats;
    } else if (template === 'wallet-deposit-confirmed' || template === 'wallet-deposit-gone') {
      expect(open.get(epoch)).toBe(amountSats);
      open.delete(epoch);
      pending -= amountSats;
      if (template === 'wallet-deposit-confirmed') posted += amountSats;
    } else if (template === 'wallet-withdrawal' || template === 'wallet-deposit-reversed') {
      posted -= amountSats;
    } else {
      posted += amountSats;
    }
  }
  return { posted, pending };
}

test('whatever happens in whatever order, the book is what the last facts alone would make it', () => {
  fc.assert(
    fc.property(fc.array(anyFacts, { minLength: 1, maxLength: 12 }), (history) => {
      let known: Movement | undefined;
      let book: Book = { posted: 0n, pending: 0n };
      const open = new Map<number, Sats>();
      const ids = new Set<string>();
      for (const each of history) {
        const change = followFacts(known, each);
        if (change === null) continue;
        for (const { template, epoch } of change.ledger) {
          const id = `${template} ${epoch}`;
          expect(ids.has(id)).toBe(false);
          ids.add(id);
        }
        known = change.movement;
        book = post(book, open, change.ledger);
        expect(followFacts(known, each)).toBeNull();
      }
      const last = history.at(-1) ?? facts({});
      const net = last.place === null ? 0n : last.depositedSats - last.spentSats;
      const isPending = net > 0n && last.place === 'mempool';
      expect(book).toEqual(isPending ? { posted: 0n, pending: net } : { posted: net, pending: 0n });
    }),
    { numRuns: 2_000 },
  );
});

test('a deposit waits for its block, a withdrawal counts at once', () => {
  const deposit = followFacts(undefined, facts({ depositedSats: 5n }));
  expect(deposit?.ledger).toEqual([{ template: 'wallet-deposit-seen', epoch: 1, amountSats: 5n }]);
  const confirmed = followFacts(deposit?.movement, facts({ depositedSats: 5n, place: 'block' }));
  expect(confirmed?.ledger).toEqual([
    { template: 'wallet-deposit-confirmed', epoch: 1, amountSats: 5n },
  ]);
  const withdrawal = followFacts(undefined, facts({ depositedSats: 1n, spentSats: 4n }));
  expect(withdrawal?.ledger).toEqual([{ template: 'wallet-withdrawal', epoch: 1, amountSats: 3n }]);
});

test('a deposit whose block leaves the chain is reversed and waits again in the next epoch', () => {
  const known: Movement = { merchantId, txid, amountSats: 5n, state: 'booked', ledgerEpoch: 3 };
  const change = followFacts(known, facts({ depositedSats: 5n }));
  expect(change?.ledger).toEqual([
    { template: 'wallet-deposit-reversed', epoch: 3, amountSats: 5n },
    { template: 'wallet-deposit-seen', epoch: 4, amountSats: 5n },
  ]);
});
