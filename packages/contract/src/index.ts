export {
  type AuditEntry,
  auditEntrySchema,
  auditPageSchema,
} from './audit.ts';
export {
  type ClassicCreate,
  type ClassicCreated,
  classicCreatedSchema,
  classicCreateSchema,
  classicStatusSchema,
} from './classic.ts';
export {
  type ErrorCode,
  errorTable,
} from './errors.ts';
export {
  type Event,
  eventListQuerySchema,
  eventPageSchema,
  eventSchema,
  eventTypeText,
} from './events.ts';
export {
  currencyCode,
  decimalText,
  jsonObject,
  type JsonValue,
  noBodySchema,
  personText,
  satsText,
  signedIntegerText,
  timestamp,
  timestampInput,
  txidText,
  uuidText,
  webUrl,
} from './fields.ts';
export {
  type ApiKey,
  apiKeyPageSchema,
  apiKeySchema,
  type CreateApiKey,
  createApiKeySchema,
  type CreatedApiKey,
  createdApiKeySchema,
} from './keys.ts';
export {
  type LedgerAccount,
  ledgerAccountSchema,
  ledgerAccountsSchema,
  type LedgerBalance,
  ledgerBalanceQuerySchema,
  ledgerBalanceSchema,
  ledgerBalancesSchema,
  type LedgerTransfer,
  ledgerTransferPageSchema,
  ledgerTransferSchema,
} from './ledger.ts';
export {
  merchantFields,
  merchantNameText,
} from './merchants.ts';
export {
  type OrderPaymentView,
  orderPaymentViewSchema,
  type OrderStatus,
  orderStatuses,
  type OrderView,
  orderViewSchema,
} from './order-view.ts';
export {
  type CreateOrder,
  createOrderSchema,
  externalIdText,
  type LockedRate,
  lockedRateSchema,
  MAX_ORDER_EXPIRY_SECONDS,
  metadataSchema,
  MIN_ORDER_EXPIRY_SECONDS,
  type Order,
  type OrderListQuery,
  orderListQuerySchema,
  type OrderPage,
  orderPageSchema,
  orderSchema,
  orderStatusSchema,
  type Payment,
  paymentSchema,
  type PaymentState,
  paymentStates,
} from './orders.ts';
export {
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_SIZE,
  type Page,
  pageOf,
  type PageQuery,
  pageQuerySchema,
} from './pages.ts';
export {
  errorCodes,
  type Problem,
  problemSchema,
} from './problem.ts';
export {
  type CreatedRefund,
  createdRefundSchema,
  type CreateRefund,
  type CreateRefundInput,
  createRefundSchema,
  MAX_CLAIM_SECONDS,
  MIN_CLAIM_SECONDS,
  type Refund,
  type RefundEventData,
  refundEventDataSchema,
  type RefundEventType,
  refundEventTypes,
  refundListQuerySchema,
  type RefundMode,
  refundPageSchema,
  type RefundPreview,
  refundPreviewSchema,
  refundSchema,
  type RefundSource,
  type RefundState,
  refundStates,
} from './refunds.ts';
export {
  type RefundScreen,
  refundScreens,
  type RefundView,
  refundViewSchema,
} from './refund-view.ts';
export {
  type RateQuote,
  rateQuoteSchema,
} from './rates.ts';
export {
  coversScope,
  instanceScope,
  type MerchantScope,
  merchantScopes,
  merchantScopeSchema,
  type Scope,
  scopes,
  scopeSchema,
} from './scopes.ts';
export {
  confirmationTierSchema,
  defaultMerchantSettings,
  type MerchantSettingsBase,
  merchantSettingsFields,
} from './settings.ts';
export {
  type AddWallet,
  addWalletSchema,
  descriptorText,
  type Wallet,
  walletPageSchema,
  walletSchema,
} from './wallets.ts';
export {
  type CreateWebhookEndpoint,
  createWebhookEndpointSchema,
  replayedSchema,
  replayFailedSchema,
  type UpdateWebhookEndpoint,
  updateWebhookEndpointSchema,
  type WebhookAttempt,
  webhookAttemptSchema,
  type WebhookDelivery,
  webhookDeliveryListQuerySchema,
  webhookDeliveryPageSchema,
  webhookDeliverySchema,
  webhookDeliveryWithAttemptsSchema,
  type WebhookEndpoint,
  webhookEndpointPageSchema,
  webhookEndpointSchema,
  type WebhookEndpointWithSecret,
  webhookEndpointWithSecretSchema,
  webhookPingSchema,
} from './webhook-endpoints.ts';
export {
  classicEventTypes,
  type ClassicWebhook,
  classicWebhookSchema,
  type OrderEventData,
  orderEventDataSchema,
  type OrderEventType,
  orderEventTypes,
  PING_EVENT_TYPE,
  pingEventDataSchema,
  type WebhookEvent,
  webhookEventSchema,
  type WebhookEventType,
  webhookEventTypes,
} from './webhooks.ts';
