import type {
  AddWallet,
  Alert,
  AlertKind,
  AlertWithEmails,
  ApiKey,
  AuditEntry,
  Coin,
  CreateApiKey,
  CreatedApiKey,
  CreatedRefund,
  CreateOrder,
  CreateRefundInput,
  CreateWebhookEndpoint,
  DepositAddress,
  Event,
  FeeEstimates,
  FeeWish,
  ImportedPsbt,
  LedgerAccount,
  LedgerBalance,
  LedgerTransfer,
  LightningInvoiceJson,
  MerchantSettingsBase,
  Order,
  OrderReport,
  OrderStatus,
  Page,
  QrDensity,
  RateQuote,
  Reconciliation,
  Refund,
  RefundPreview,
  RefundState,
  SpendJson as Spend,
  SpendPsbt,
  SpendPsbtQr,
  UpdateWebhookEndpoint,
  Wallet,
  WalletBalance,
  WebhookAttempt,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointWithSecret,
} from '@quittance/contract';
import { type PageRequest, step, toPageQuery } from './paths.ts';
import { lightningCalls } from './lightning-calls.ts';
import { drawingCalls } from './drawing-calls.ts';
import { payoutCalls } from './payout-calls.ts';
import { type Call, type CallOptions, type ClientOptions, createTransport } from './transport.ts';

/** `rateRule` is described in the API's documentation. */
export type MerchantSettings = MerchantSettingsBase & { rateRule: unknown };
export type Merchant = {
  id: string;
  name: string;
  settings: MerchantSettings;
  createdAt: string;
  updatedAt: string;
};
export type CreateMerchant = {
  name: string;
  settings?: Partial<MerchantSettings>;
  descriptor?: string;
};
export type CreatedMerchant = { merchant: Merchant; apiKey: CreatedApiKey; wallet: Wallet | null };

export type Client = ReturnType<typeof createClient>;

/**
 * The typed client of a Quittance server. Calls are retried when that is safe; each POST carries
 * an idempotency key, so that a retry never does a thing twice.
 * @example
 * const quittance = createClient({ baseUrl: 'https://pay.example', apiKey });
 * const order = await quittance.orders.create(
 *   { amount: '19.90', currency: 'EUR', externalId: 'cart-7781' },
 *   { idempotencyKey: 'cart-7781' },
 * );
 */
export function createClient(options: ClientOptions) {
  const send = createTransport(options);
  const get = <A>(path: string, query?: Call['query']) => send<A>({ method: 'GET', path, query });
  const post = <A>(path: string, body: unknown, options?: CallOptions) =>
    send<A>({ method: 'POST', path, body, options });
  const patch = <A>(path: string, body: unknown) => send<A>({ method: 'PATCH', path, body });
  const put = <A>(path: string, body: unknown) => send<A>({ method: 'PUT', path, body });
  const remove = <A>(path: string) => send<A>({ method: 'DELETE', path });

  const orders = {
    create: (order: CreateOrder, options?: CallOptions) =>
      post<Order>('/v1/orders', order, options),
    read: (id: string) => get<Order>(`/v1/orders/${step(id)}`),
    list: (page: PageRequest & { status?: OrderStatus; externalId?: string } = {}) =>
      get<Page<Order>>('/v1/orders', {
        ...toPageQuery(page),
        status: page.status,
        external_id: page.externalId,
      }),
    cancel: (id: string, options?: CallOptions) =>
      post<Order>(`/v1/orders/${step(id)}/cancel`, undefined, options),
    /** For a payment page of your own: the open Lightning invoice for what is still to be paid. */
    lightningInvoice: (id: string, options?: CallOptions) =>
      post<LightningInvoiceJson>(`/v1/orders/${step(id)}/lightning-invoice`, undefined, options),
    acceptLate: (id: string, options?: CallOptions) =>
      post<Order>(`/v1/orders/${step(id)}/accept-late`, undefined, options),
  };

  const refunds = {
    /** The answer's `claimUrl` is shown once: give it to the customer. */
    create: (orderId: string, refund: CreateRefundInput, options?: CallOptions) =>
      post<CreatedRefund>(`/v1/orders/${step(orderId)}/refunds`, refund, options),
    /** Reckons a refund and tells where the payments came from; makes nothing. */
    preview: (orderId: string, refund: CreateRefundInput, options?: CallOptions) =>
      post<RefundPreview>(`/v1/orders/${step(orderId)}/refunds/preview`, refund, options),
    read: (id: string) => get<Refund>(`/v1/refunds/${step(id)}`),
    list: (page: PageRequest & { state?: RefundState } = {}) =>
      get<Page<Refund>>('/v1/refunds', { ...toPageQuery(page), state: page.state }),
    listOfOrder: (orderId: string, page: PageRequest & { state?: RefundState } = {}) =>
      get<Page<Refund>>(`/v1/orders/${step(orderId)}/refunds`, {
        ...toPageQuery(page),
        state: page.state,
      }),
    cancel: (id: string, options?: CallOptions) =>
      post<Refund>(`/v1/refunds/${step(id)}/cancel`, undefined, options),
    /** The old link is worth nothing from then on. */
    newClaimLink: (id: string, options?: CallOptions) =>
      post<CreatedRefund>(`/v1/refunds/${step(id)}/new-claim-link`, undefined, options),
  };

  const webhookEndpoints = {
    create: (endpoint: CreateWebhookEndpoint, options?: CallOptions) =>
      post<WebhookEndpointWithSecret>('/v1/webhook-endpoints', endpoint, options),
    list: () => get<Page<WebhookEndpoint>>('/v1/webhook-endpoints'),
    read: (id: string) => get<WebhookEndpoint>(`/v1/webhook-endpoints/${step(id)}`),
    update: (id: string, change: UpdateWebhookEndpoint) =>
      patch<WebhookEndpoint>(`/v1/webhook-endpoints/${step(id)}`, change),
    delete: (id: string) => remove<WebhookEndpoint>(`/v1/webhook-endpoints/${step(id)}`),
    rotate: (id: string, options?: CallOptions) =>
      post<WebhookEndpointWithSecret>(
        `/v1/webhook-endpoints/${step(id)}/rotate`,
        undefined,
        options,
      ),
    removeOldSecrets: (id: string, options?: CallOptions) =>
      post<WebhookEndpoint>(
        `/v1/webhook-endpoints/${step(id)}/remove-old-secrets`,
        undefined,
        options,
      ),
    test: (id: string, options?: CallOptions) =>
      post<{ deliveryId: string; eventId: string }>(
        `/v1/webhook-endpoints/${step(id)}/test`,
        undefined,
        options,
      ),
    deliveries: (
      id: string,
      page: PageRequest & { state?: 'pending' | 'delivered' | 'failed' } = {},
    ) =>
      get<Page<WebhookDelivery>>(`/v1/webhook-endpoints/${step(id)}/deliveries`, {
        ...toPageQuery(page),
        state: page.state,
      }),
    /** Sends all that failed since then once more; call it until it answers 0. */
    replayFailed: (id: string, since: Date, options?: CallOptions) =>
      post<{ replayed: number }>(
        `/v1/webhook-endpoints/${step(id)}/replay`,
        { since: since.toISOString() },
        options,
      ),
  };

  return {
    orders,
    refunds,
    reports: {
      /** What moved for each order from `from` on, before `to`, by the ledger. */
      orders: (period: { from: Date; to: Date }, page: PageRequest = {}) =>
        get<OrderReport>('/v1/reports/orders', {
          ...toPageQuery(page),
          from: period.from.toISOString(),
          to: period.to.toISOString(),
        }),
    },
    webhookEndpoints,
    webhookDeliveries: {
      read: (id: string) =>
        get<WebhookDelivery & { attemptLog: WebhookAttempt[] }>(
          `/v1/webhook-deliveries/${step(id)}`,
        ),
      replay: (id: string, options?: CallOptions) =>
        post<WebhookDelivery>(`/v1/webhook-deliveries/${step(id)}/replay`, undefined, options),
    },
    events: {
      list: (page: PageRequest & { type?: string } = {}) =>
        get<Page<Event>>('/v1/events', { ...toPageQuery(page), type: page.type }),
    },
    alerts: {
      list: (page: PageRequest & { state?: 'open' | 'resolved'; kind?: AlertKind } = {}) =>
        get<Page<Alert>>('/v1/alerts', {
          ...toPageQuery(page),
          state: page.state,
          kind: page.kind,
        }),
      /** With the e-mails that tell of it. */
      read: (id: string) => get<AlertWithEmails>(`/v1/alerts/${step(id)}`),
      /** You have seen it: it is not reminded of any more. */
      acknowledge: (id: string, options?: CallOptions) =>
        post<Alert>(`/v1/alerts/${step(id)}/acknowledge`, undefined, options),
    },
    ...payoutCalls({ get, post, patch, remove }),
    ...drawingCalls({ get, post, patch }),
    ...lightningCalls({ get, post, remove }),
    spends: {
      read: (id: string) => get<Spend>(`/v1/spends/${step(id)}`),
      list: (page: PageRequest & { state?: Spend['state']; walletId?: string } = {}) =>
        get<Page<Spend>>('/v1/spends', {
          ...toPageQuery(page),
          state: page.state,
          wallet_id: page.walletId,
        }),
      /** Replaces what waits by a transaction that pays more. */
      bump: (id: string, fee?: FeeWish, options?: CallOptions) =>
        post<Spend>(`/v1/spends/${step(id)}/bump`, fee, options),
      /** Lifts what waits by a child that pays for both. */
      child: (id: string, fee?: FeeWish, options?: CallOptions) =>
        post<Spend>(`/v1/spends/${step(id)}/child`, fee, options),
      cancel: (id: string, fee?: FeeWish, options?: CallOptions) =>
        post<Spend>(`/v1/spends/${step(id)}/cancel`, fee, options),
      /** What waits to be signed elsewhere, in base64. From now on it counts as given out. */
      exportPsbt: (id: string) => get<SpendPsbt>(`/v1/spends/${step(id)}/psbt`),
      /** The same as the parts of an animated QR code (BBQr), drawn as SVG when asked for. */
      exportPsbtQr: (id: string, shown: { density?: QrDensity; images?: 'svg' } = {}) =>
        get<SpendPsbtQr>(`/v1/spends/${step(id)}/psbt/qr`, shown),
      /** @param signed base64, the bytes of a file, or the scanned parts of a BBQr code */
      importPsbt: (id: string, signed: string | Uint8Array | { parts: readonly string[] }) =>
        put<ImportedPsbt>(`/v1/spends/${step(id)}/psbt`, toSignedPsbt(signed)),
    },
    feeEstimates: () => get<FeeEstimates>('/v1/fee-estimates'),
    wallets: {
      list: () => get<Page<Wallet>>('/v1/wallets'),
      add: (
        descriptor: string,
        options?: CallOptions & Pick<AddWallet, 'use' | 'signerWallet'>,
      ) => {
        const { use, signerWallet, ...call } = options ?? {};
        return post<Wallet>('/v1/wallets', { descriptor, use, signerWallet }, call);
      },
      /** A fresh address without an order, to fund the wallet. */
      depositAddress: (id: string, options?: CallOptions) =>
        post<DepositAddress>(`/v1/wallets/${step(id)}/deposit-addresses`, undefined, options),
      balance: (id: string) => get<WalletBalance>(`/v1/wallets/${step(id)}/balance`),
      coins: (id: string, page: PageRequest = {}) =>
        get<Page<Coin>>(`/v1/wallets/${step(id)}/coins`, toPageQuery(page)),
      /** JSON lines of BIP329. */
      exportLabels: (id: string) => get<{ labels: string }>(`/v1/wallets/${step(id)}/labels`),
      importLabels: (id: string, labels: string) =>
        put<{ imported: number; refused: { line: number; reason: string }[] }>(
          `/v1/wallets/${step(id)}/labels`,
          { labels },
        ),
    },
    merchant: {
      read: () => get<Merchant>('/v1/merchant'),
      update: (id: string, change: { name?: string; settings?: Partial<MerchantSettings> }) =>
        patch<Merchant>(`/v1/merchants/${step(id)}`, change),
    },
    /** With a key of the instance's administrator. */
    merchants: {
      create: (merchant: CreateMerchant, options?: CallOptions) =>
        post<CreatedMerchant>('/v1/merchants', merchant, options),
      read: (id: string) => get<Merchant>(`/v1/merchants/${step(id)}`),
      list: (page: PageRequest = {}) => get<Page<Merchant>>('/v1/merchants', toPageQuery(page)),
    },
    apiKeys: {
      create: (key: CreateApiKey, options?: CallOptions) =>
        post<CreatedApiKey>('/v1/api-keys', key, options),
      current: () => get<ApiKey>('/v1/api-keys/current'),
      list: (page: PageRequest = {}) => get<Page<ApiKey>>('/v1/api-keys', toPageQuery(page)),
      revoke: (id: string) => remove<ApiKey>(`/v1/api-keys/${step(id)}`),
    },
    ledger: {
      accounts: () => get<{ data: LedgerAccount[] }>('/v1/ledger/accounts'),
      balances: (asOf?: Date) =>
        get<{ asOf: string; data: LedgerBalance[] }>('/v1/ledger/balances', {
          as_of: asOf?.toISOString(),
        }),
      transfers: (page: PageRequest = {}) =>
        get<Page<LedgerTransfer>>('/v1/ledger/transfers', toPageQuery(page)),
    },
    reconciliations: {
      /** Compares coins and book now; with `node` also the node's own set of coins. */
      run: (wish: { node?: boolean } = {}, options?: CallOptions) =>
        post<Reconciliation>('/v1/reconciliations', wish, options),
      latest: () => get<Reconciliation>('/v1/reconciliations/latest'),
    },
    rates: { read: (currency: string) => get<RateQuote>(`/v1/rates/${step(currency)}`) },
    audit: {
      list: (page: PageRequest = {}) => get<Page<AuditEntry>>('/v1/audit', toPageQuery(page)),
    },
  };
}

/**
 * Goes through all pages of a list.
 * @example
 * for await (const order of everyItem(quittance.orders.list)) console.log(order.id);
 */
export async function* everyItem<Item extends { id: string }>(
  list: (page: PageRequest) => Promise<Page<Item>>,
  startingAfter?: string,
): AsyncGenerator<Item> {
  for (let after = startingAfter; ; ) {
    const page = await list(after === undefined ? {} : { startingAfter: after });
    yield* page.data;
    const last = page.data.at(-1);
    if (!page.has_more || last === undefined) return;
    after = last.id;
  }
}

function toSignedPsbt(signed: string | Uint8Array | { parts: readonly string[] }) {
  if (typeof signed === 'string') return { psbt: signed };
  if (!(signed instanceof Uint8Array)) return signed;
  let bytes = '';
  for (const byte of signed) bytes += String.fromCharCode(byte);
  return { psbt: btoa(bytes) };
}
