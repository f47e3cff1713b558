import type { Network } from '@quittance/bitcoin';
import {
  type Coin,
  coinListQuerySchema,
  coinPageSchema,
  exportedLabelsSchema,
  importedLabelsSchema,
  uuidText,
  walletBalanceSchema,
  walletLabelsSchema,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs, pageOfRows } from '../../platform/http/index.ts';
import { readWalletForSpending } from '../../receiving/addresses/index.ts';
import { readCursor } from '../../receiving/chain/index.ts';
import type { CoinRef, ListedCoin } from './coin.ts';
import { exportLabels, importLabels } from './labels.ts';
import { readBalances, readCoinPage } from './store.ts';

export type CoinRouteDeps = { database: Database; network: Network };

const tags = ['Wallets'];
const params = z.strictObject({ id: uuidText });

export function addCoinRoutes(app: HttpApp, deps: CoinRouteDeps): void {
  app.get(
    '/v1/wallets/:id/balance',
    {
      config: needs('wallets:read'),
      schema: {
        tags,
        operationId: 'readWalletBalance',
        summary: 'Read what a wallet holds: confirmed, unconfirmed, reserved, spendable',
        params,
        response: answers(200, walletBalanceSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const walletId = request.params.id;
      return await deps.database.asTenant(merchantId, async (tx) => {
        await requireWallet(tx, walletId);
        const tip = await readCursor(tx, deps.network);
        const sums = await readBalances(tx, {
          merchantId,
          walletId,
          tipHeight: tip?.height ?? 0,
          minConfirmations: 1,
          ownChangeUnconfirmed: true,
        });
        return {
          walletId,
          confirmedSats: sums.confirmedSats.toString(),
          unconfirmedSats: sums.unconfirmedSats.toString(),
          reservedSats: sums.reservedSats.toString(),
          spendableSats: sums.spendableSats.toString(),
          height: tip?.height ?? null,
        };
      });
    },
  );
  app.get(
    '/v1/wallets/:id/coins',
    {
      config: needs('wallets:read'),
      schema: {
        tags,
        operationId: 'listCoins',
        summary: 'List a wallet’s unspent coins, the largest first',
        params,
        querystring: coinListQuerySchema,
        response: answers(200, coinPageSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const walletId = request.params.id;
      const { starting_after: startingAfter, limit } = request.query;
      const after = startingAfter === undefined ? null : parseRef(startingAfter);
      const coins = await deps.database.asTenant(merchantId, async (tx) => {
        await requireWallet(tx, walletId);
        return readCoinPage(tx, { merchantId, walletId, after, limit: limit + 1 });
      });
      return pageOfRows(coins, limit, toJson);
    },
  );
  addLabelRoutes(app, deps);
}

function addLabelRoutes(app: HttpApp, { database }: CoinRouteDeps): void {
  app.get(
    '/v1/wallets/:id/labels',
    {
      config: needs('wallets:read'),
      schema: {
        tags,
        operationId: 'exportLabels',
        summary: 'Export labels for wallet software (BIP329)',
        description:
          'The store’s labels, and one for each address of this wallet that an order was paid at.',
        params,
        response: answers(200, exportedLabelsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const walletId = request.params.id;
      return await database.asTenant(merchantId, async (tx) => {
        await requireWallet(tx, walletId);
        return { labels: await exportLabels(tx, { merchantId, walletId }) };
      });
    },
  );
  app.put(
    '/v1/wallets/:id/labels',
    {
      config: needs('wallets:write'),
      schema: {
        tags,
        operationId: 'importLabels',
        summary: 'Import labels of wallet software (BIP329); spendable false freezes a coin',
        params,
        body: walletLabelsSchema,
        response: answers(200, importedLabelsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await database.asTenant(merchantId, async (tx) => {
        await requireWallet(tx, request.params.id);
        return await importLabels(tx, merchantId, request.body.labels);
      });
    },
  );
}

/** @throws {AppError} not_found */
async function requireWallet(tx: Tx, walletId: Uuid): Promise<void> {
  const wallet = await readWalletForSpending(tx, walletId);
  if (wallet === undefined) {
    throw new AppError('not_found', 'The store has no wallet with this id.');
  }
}

/** Reads "txid:vout", whose form was checked at the border. */
function parseRef(text: string): CoinRef {
  const [txid, vout] = text.split(':');
  assert(txid !== undefined && vout !== undefined, 'a coin’s id has two parts');
  return { txid, vout: Number(vout) };
}

function toJson(coin: ListedCoin): Coin {
  return {
    id: `${coin.txid}:${coin.vout}`,
    ...coin,
    valueSats: coin.valueSats.toString(),
  };
}
