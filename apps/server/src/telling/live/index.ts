export type { Frame } from './frame.ts';
export { ORDERS_CHANNEL, registerLive } from './live.ts';
