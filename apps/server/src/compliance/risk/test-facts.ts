import type { RiskFacts, SourceFacts, SourceHit } from './facts.ts';

/** For tests: a payment with nothing to say about it, and what differs. */
export function plainFacts(change: Partial<RiskFacts> = {}): RiskFacts {
  return {
    version: 1,
    atMs: Date.UTC(2026, 0, 31, 12),
    payment: { method: 'onchain', amountSats: '100000', amountMinor: '9000', currency: 'EUR' },
    history: { count: 100, medianMinor: '8000', robustZ: 20, plainZ: 10 },
    velocity: { source: 1, store: 12, storeUsual: 15 },
    source: plainSource(),
    shape: { inputs: 1, outputs: 2, coinjoin: false, peelLength: 0, dustOutputs: 0, replaced: 0 },
    refunded: [],
    lists: [],
    ...change,
  };
}

export function plainSource(change: Partial<SourceFacts> = {}): SourceFacts {
  const direct = [{ address: 'bcrt1qpayer', sharePpm: 1_000_000, seenAtMs: Date.UTC(2025, 0, 1) }];
  return {
    ...{
      hops: 3,
      direct,
      unknownPpm: 0,
      hits: [],
      allowed: [],
      transactions: 3,
      addresses: 4,
      untraced: [],
    },
    ...change,
  };
}

export function hit(change: Partial<SourceHit> = {}): SourceHit {
  return {
    ...{ hop: 1, address: 'bcrt1qlisted', sharePpm: 1_000_000, list: 'ofac', versionId: 'v1' },
    ...{ entryId: '4711', label: 'Somebody', purpose: 'sanctions', categories: ['sanctions'] },
    ...change,
  };
}
