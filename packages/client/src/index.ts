export {
  type Client,
  type CreatedMerchant,
  type CreateMerchant,
  createClient,
  everyItem,
  type Merchant,
  type MerchantSettings,
} from './client.ts';
export {
  ConflictError,
  InvalidRequestError,
  KeyError,
  NotFoundError,
  QuittanceError,
  TemporaryError,
} from './errors.ts';
export type { PageRequest } from './paths.ts';
export type { CallOptions, ClientOptions, FetchLike } from './transport.ts';
export {
  UnknownWebhookError,
  verifyClassicWebhook,
  verifyWebhook,
  type WebhookHeaders,
  WebhookVerificationError,
} from './webhooks.ts';
