export { isGlobalUnicast, type UrlPolicy } from '../../platform/outbound/index.ts';
export {
  deleteEndpoint,
  listEndpoints,
  readEndpoint,
  type UpdateEndpoint,
  updateEndpoint,
} from './change-endpoint.ts';
export {
  type CreateEndpoint,
  createEndpoint,
  type EndpointDeps,
  MAX_ENDPOINTS,
} from './create-endpoint.ts';
export {
  type DispatcherMetrics,
  startWebhookDispatcher,
  type WebhookDispatcher,
  type WebhookDispatcherOptions,
} from './dispatcher.ts';
export type { Delivery, DeliveryAttempt, DeliveryState, Endpoint } from './endpoint.ts';
export { pingEndpoint } from './ping-endpoint.ts';
export {
  listDeliveries,
  MAX_DELIVERIES_PAGE,
  MAX_REPLAYS,
  readDelivery,
  replayDelivery,
  replayFailed,
} from './replay-deliveries.ts';
export { removeOldSecrets, rotateSecret } from './rotate-secret.ts';
export { addWebhookRoutes, type WebhookRouteDeps } from './routes.ts';
