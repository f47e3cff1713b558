import type { Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import {
  addCardRoutes,
  addProgrammingRoutes,
  addTapRoutes,
  drawingCards,
} from '../../paying/cards/index.ts';
import {
  type PayoutListener,
  quoteCurrency,
  readPayoutPolicy,
} from '../../paying/payouts/index.ts';
import {
  addPullPaymentRoutes,
  addWithdrawRoutes,
  payDrawsByPayouts,
  type WithdrawDeps,
} from '../../paying/pull-payments/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { type HttpApp, type HttpLog, lnurlRoutes } from '../../platform/http/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import type { Sealer } from '../../platform/sealing/index.ts';
import {
  createInvoice,
  findLnurlInvoice,
  type LightningNodes,
} from '../../receiving/lightning/index.ts';
import {
  addLightningAddressRoutes,
  addPayRoutes,
  type LnurlInvoices,
} from '../../receiving/lnurl/index.ts';
import {
  type FiatCurrency,
  isFiatCurrency,
  type RateRule,
  type Rates,
} from '../../receiving/rates/index.ts';
import { recordAudit } from '../../tenancy/audit/index.ts';

export type DrawingParts = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  publicUrl: string;
  log: HttpLog;
  rates: Pick<Rates, 'quote'>;
  readRateRule(merchantId: Uuid): Promise<RateRule>;
  readStoreName(tx: Tx, merchantId: Uuid): Promise<string>;
  payoutListener: PayoutListener;
  nodes: LightningNodes;
  /** Counts what terminals and wallets ask for; absent: nobody counts. */
  metrics?: Pick<Metrics, 'count'> | undefined;
  /** Seals the keys of cards. */
  sealer: Sealer;
};

/**
 * Who may take money by themselves, within limits: pull payments, cards, and what wallets and
 * terminals call for both. And the other way round: Lightning addresses, which wallets pay.
 */
export async function addDrawing(app: HttpApp, parts: DrawingParts): Promise<void> {
  const { database, clock, ids, random, network, publicUrl, sealer } = parts;
  const common = { database, clock, ids, random, publicUrl, recordAudit };
  const quoteOf = (merchantId: Uuid, currency: FiatCurrency) =>
    quoteCurrency(parts, merchantId, currency);
  const making = { ...common, readPolicy: readPayoutPolicy, quoteCurrency: quoteOf };
  addPullPaymentRoutes(app, making);
  addCardRoutes(app, { ...making, sealer });
  addProgrammingRoutes(app, { ...common, sealer });
  addLightningAddressRoutes(app, { ...common, readStoreName: parts.readStoreName });
  const quoteFor = drawQuotes(parts);
  const payouts = payDrawsByPayouts({ network, listener: parts.payoutListener });
  const withdrawing: WithdrawDeps = { ...common, network, cards: drawingCards, payouts, quoteFor };
  await lnurlRoutes(app, parts, (scope) => {
    const { metrics } = parts;
    const onDraw = (outcome: string) => metrics?.count('quittance_draws_total', { outcome });
    const onTap = (outcome: string) => metrics?.count('quittance_card_taps_total', { outcome });
    addWithdrawRoutes(scope, { ...withdrawing, publicUrl, onDraw });
    addTapRoutes(scope, { ...common, sealer, quoteFor, onTap });
    addPayRoutes(scope, { database, publicUrl, invoices: lnurlInvoices(parts) });
  });
}

/** The price that a draw is reckoned at: what is paid out has no spread. */
export function drawQuotes(
  deps: Pick<DrawingParts, 'rates' | 'readRateRule'>,
): WithdrawDeps['quoteFor'] {
  return async ({ merchantId, currency }) =>
    isFiatCurrency(currency) ? await quoteCurrency(deps, merchantId, currency) : null;
}

/** Invoices of Lightning addresses, by the store's node. */
function lnurlInvoices(parts: DrawingParts): LnurlInvoices {
  return {
    async create({ merchantId, amountMsat, description, metadataText, ...wish }) {
      const text = { text: description, hashed: metadataText };
      try {
        return await createInvoice(parts, {
          ...{ ...wish, merchantId, amountMsat },
          ...{ purpose: 'lnurl', description: text },
        });
      } catch (error) {
        // A store without a node, or whose node is away: the payer is told no more than that.
        if (error instanceof AppError && error.status < 500) return null;
        if (error instanceof AppError && error.code === 'lightning_unavailable') return null;
        throw error;
      }
    },
    async read(id) {
      const found = await parts.database.asPublic((tx) => findLnurlInvoice(tx, id));
      if (found === undefined) return undefined;
      const { bolt11, state, preimage } = found;
      return { bolt11, settled: state === 'settled', preimage };
    },
  };
}
