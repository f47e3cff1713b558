import { type RiskConfig, riskLabels } from '@quittance/contract';

/**
 * What a store starts with: the weights of the seed rules, and thresholds by its own history or in
 * fiat where they need a level (ADR 16). Stored as the store's version 1 when it is first used, so
 * that a later change here never changes what was decided.
 */
export const SHIPPED_RISK_CONFIG: RiskConfig = {
  hops: 3,
  maxTransactions: 100,
  thresholds: { review: 40, reject: 70 },
  amount: {
    points: 30,
    z: 300,
    fullZ: 600,
    minPayments: 20,
    coldPoints: 15,
    // The size from which cash is reported in the US and the EU; a store in another currency adds it.
    coldLimits: [
      { currency: 'USD', minor: '1000000' },
      { currency: 'EUR', minor: '1000000' },
    ],
  },
  // A listed source is no trifle at any share of the first hop; behind it crumbs are everywhere.
  blacklist: { points: 50, percentByHop: [100, 100, 80], minSharePpm: 1_000 },
  labels: {
    points: 40,
    percentByHop: [100, 100, 50],
    minSharePpm: 10_000,
    categories: [...riskLabels],
  },
  age: { points: 20, days: 7 },
  velocity: { points: 25, perDay: 100, timesUsual: 4 },
  coinjoin: { points: 15 },
  peelChain: { points: 10, minLength: 3 },
  dustSpray: { points: 10, minOutputs: 20 },
  replaced: { points: 5 },
  refunded: { points: 10 },
  unknownSource: { points: 10, minSharePpm: 500_000 },
};
