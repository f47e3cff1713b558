export { isGlobalUnicast, type UrlPolicy } from '../../platform/outbound/index.ts';
export { deleteEndpoint, listEndpoints, readEndpoint, updateEndpoint } from './change-endpoint.ts';
export { createEndpoint, MAX_ENDPOINTS } from './create-endpoint.ts';
export { startWebhookDispatcher } from './dispatcher.ts';
export type { Endpoint } from './endpoint.ts';
export { pingEndpoint } from './ping-endpoint.ts';
export { listDeliveries, readDelivery, replayDelivery, replayFailed } from './replay-deliveries.ts';
export { removeOldSecrets, rotateSecret } from './rotate-secret.ts';
export { addWebhookRoutes } from './routes.ts';
