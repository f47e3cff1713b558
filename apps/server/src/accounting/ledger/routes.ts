import {
  type LedgerAccount,
  type LedgerBalance,
  type LedgerTransfer,
  ledgerAccountsSchema,
  ledgerBalanceQuerySchema,
  ledgerBalancesSchema,
  ledgerTransferPageSchema,
  pageQuerySchema,
} from '@quittance/contract';
import { type Clock, toHex, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import { type Balance, listTransfers, readAccounts, readBalances, readTransfer } from './reads.ts';
import type { AccountDefinition, RecordedTransfer } from './transfer.ts';

const tags = ['Ledger'];

/** A merchant's book has the merchant's id; row-level security shows no other. */
export function addLedgerRoutes(app: HttpApp, deps: { database: Database; clock: Clock }): void {
  app.get(
    '/v1/ledger/accounts',
    {
      config: needs('ledger:read'),
      schema: {
        tags,
        operationId: 'listLedgerAccounts',
        summary: 'List the accounts of your book',
        response: answers(200, ledgerAccountsSchema),
      },
    },
    async (request) => {
      const bookId = merchantOf(request);
      const accounts = await deps.database.asTenant(bookId, (tx) => readAccounts(tx, bookId));
      return { data: accounts.map(toAccountJson) };
    },
  );
  app.get(
    '/v1/ledger/balances',
    {
      // Present balances are counters; those of the past are summed up from the journal.
      config: {
        ...needs('ledger:read'),
        limitOf: ({ query }) =>
          typeof query === 'object' && query !== null && 'as_of' in query ? 'history' : 'read',
      },
      schema: {
        tags,
        operationId: 'readLedgerBalances',
        summary: 'Read balances, now or as of a time',
        querystring: ledgerBalanceQuerySchema,
        response: answers(200, ledgerBalancesSchema),
      },
    },
    async (request) => {
      const bookId = merchantOf(request);
      const asOf = request.query.as_of;
      const asOfMs = asOf === undefined ? undefined : Date.parse(asOf);
      const which = { bookId, ...(asOfMs === undefined ? {} : { asOfMs }) };
      const balances = await deps.database.asTenant(bookId, (tx) => readBalances(tx, which));
      return {
        asOf: new Date(asOfMs ?? deps.clock.nowMs()).toISOString(),
        data: balances.map(toBalanceJson),
      };
    },
  );
  app.get(
    '/v1/ledger/transfers',
    {
      config: needs('ledger:read'),
      schema: {
        tags,
        operationId: 'listLedgerTransfers',
        summary: 'Read your journal, oldest first',
        querystring: pageQuerySchema,
        response: answers(200, ledgerTransferPageSchema),
      },
    },
    async (request) => {
      const bookId = merchantOf(request);
      const { starting_after: id, limit } = request.query;
      const page = await deps.database.asTenant(bookId, async (tx) => {
        const startingAfter = id === undefined ? 0n : await sequenceOf(tx, bookId, id);
        return await listTransfers(tx, { bookId, startingAfter, limit });
      });
      return { data: page.transfers.map(toTransferJson), has_more: page.hasMore };
    },
  );
}

async function sequenceOf(tx: Tx, bookId: Uuid, id: Uuid): Promise<bigint> {
  const transfer = await readTransfer(tx, { bookId, id });
  if (transfer !== undefined) return transfer.sequence;
  throw new AppError('invalid_request', 'There is no transfer with the id in starting_after.', {
    fields: [{ pointer: '/querystring/starting_after', detail: 'not the id of a transfer' }],
  });
}

function toAccountJson({ code, asset, kind, floor }: AccountDefinition): LedgerAccount {
  return { code, asset, kind, floor };
}

function toBalanceJson(balance: Balance): LedgerBalance {
  return {
    ...toAccountJson(balance),
    posted: balance.posted.toString(),
    available: balance.available.toString(),
    debitsPosted: balance.debitsPosted.toString(),
    creditsPosted: balance.creditsPosted.toString(),
    debitsPending: balance.debitsPending.toString(),
    creditsPending: balance.creditsPending.toString(),
  };
}

function toTransferJson(transfer: RecordedTransfer): LedgerTransfer {
  return {
    id: transfer.id,
    sequence: transfer.sequence.toString(),
    template: transfer.template,
    phase: transfer.phase,
    pendingId: transfer.pendingId ?? null,
    effectiveAt: new Date(transfer.effectiveAtMs).toISOString(),
    recordedAt: new Date(transfer.recordedAtMs).toISOString(),
    reference: transfer.reference,
    legs: transfer.legs.map(({ account, direction, amount }) => ({
      account: account.code,
      asset: account.asset,
      direction,
      amount: amount.toString(),
    })),
    prevHash: toHex(transfer.prevHash),
    hash: toHex(transfer.hash),
  };
}
