export type { Json, JsonObject, NewEvent, RecordedEvent } from './event.ts';
export { followEvents } from './follow-events.ts';
export { listEvents } from './list-events.ts';
export { recordEvents } from './record-events.ts';
export { addEventRoutes } from './routes.ts';
export { WEBHOOKS_CHANNEL } from './store.ts';
