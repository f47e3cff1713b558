export { type ErrorCode, errorTable } from './errors.ts';
export {
  type ClassicWebhook,
  classicEventTypes,
  classicWebhookSchema,
  type OrderEventData,
  type OrderEventType,
  orderEventDataSchema,
  orderEventTypes,
  PING_EVENT_TYPE,
  pingEventDataSchema,
  type WebhookEvent,
  type WebhookEventType,
  webhookEventSchema,
  webhookEventTypes,
} from './webhooks.ts';
export {
  orderPaymentViewSchema,
  orderStatuses,
  orderViewSchema,
  type OrderPaymentView,
  type OrderStatus,
  type OrderView,
} from './order-view.ts';
