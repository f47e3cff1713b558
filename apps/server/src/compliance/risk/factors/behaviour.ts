import { type Factor, percentText } from './factor.ts';

const DAY_MS = 86_400_000;
/** Young addresses count when at least so much of the money comes from them. */
const HALF_PPM = 500_000;

/**
 * At least half comes from addresses whose coin is younger than so many days. Wallets make a new
 * address for each payment, so alone this decides nothing.
 */
export const ageFactor: Factor = ({ source, atMs }, { age }) => {
  if (source === null) return [];
  const young = source.direct
    .filter(({ seenAtMs }) => seenAtMs !== null && atMs - seenAtMs < age.days * DAY_MS)
    .reduce((sum, { sharePpm }) => sum + sharePpm, 0);
  if (young < HALF_PPM) return [];
  const text = `${percentText(young)} came from addresses younger than ${age.days} days.`;
  return [{ factor: 'age', points: age.points, text }];
};

/**
 * More payments in 24 hours than a person makes: from one address, or, where no address is known or
 * many are used, to the whole store beyond a multiple of its own usual day.
 */
export const velocityFactor: Factor = ({ velocity }, { velocity: rule }) => {
  const { source, store, storeUsual } = velocity;
  if (source !== null && source > rule.perDay) {
    const text = `${source} payments in 24 hours from one address; the limit is ${rule.perDay}.`;
    return [{ factor: 'velocity', points: rule.points, text }];
  }
  const limit = Math.max(rule.perDay, rule.timesUsual * (storeUsual ?? 0));
  if (store <= limit) return [];
  const text = `${store} payments to the store in 24 hours; usual are ${storeUsual ?? 0}, the limit is ${limit}.`;
  return [{ factor: 'velocity', points: rule.points, text }];
};

/** Money that was paid back comes again from where it was sent. */
export const refundedFactor: Factor = ({ refunded }, rule) => {
  const [address] = refunded;
  if (address === undefined) return [];
  const text = `A refund of the store was paid to ${address}.`;
  return [{ factor: 'refunded', points: rule.refunded.points, text }];
};
