export type { Frame } from './frame.ts';
export {
  CLOSE_MALFORMED,
  CLOSE_TOO_MANY,
  CLOSE_UNKNOWN_ORDER,
  type LiveOptions,
  ORDERS_CHANNEL,
  registerLive,
} from './live.ts';
export { defaultLiveLimits, type LiveLimits } from './viewers.ts';
