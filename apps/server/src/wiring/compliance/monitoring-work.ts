import { assert } from '@quittance/kernel';
import { readKnownLinks } from '../../compliance/customers/index.ts';
import {
  type AddressBook,
  type AddressFacts,
  type Mark,
  startMonitoring,
  startRateSampling,
} from '../../compliance/monitoring/index.ts';
import { lookUpOwnAddresses, type Screener } from '../../compliance/screening/index.ts';
import type { FlowOptions } from '../flow.ts';
import type { Running } from '../observability.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Loop } from '../../platform/loops/index.ts';
import type { Screening } from './screening-work.ts';

const BITCOIN = 'XBT';

/** Follows the payments of stores that want it (docs/monitoring.md). */
export function useMonitoring(
  lifecycle: Lifecycle,
  options: FlowOptions,
  parts: { database: Database; screening: Screening; loops: Loop[] },
): void {
  const { clock, ids, network, log } = options;
  const { database, screening, loops } = parts;
  lifecycle.use('monitoring', () => {
    const addressBook = addressBookOver(screening.screener());
    const onError = (error: unknown) => log.warn({ error }, 'payments can not be monitored');
    const loop = startMonitoring({
      ...{ database, clock, ids, network, addressBook, onError },
      knownLinks: (tx, { merchantId, customerId: id }) => readKnownLinks(tx, { merchantId, id }),
    });
    loops.push(loop);
    return loop;
  });
}

/** Market prices of now, for thresholds in fiat when somebody looks later. */
export function useRateSampling(
  lifecycle: Lifecycle,
  { clock, log }: FlowOptions,
  { database, state }: { database: Database; state: Running },
): void {
  lifecycle.use('monitoring rates', () => {
    assert(state.rates !== undefined, 'rates start before who notes them');
    const onError = (error: unknown) => log.warn({ error }, 'no market price could be noted');
    return startRateSampling({ database, rates: state.rates, clock, onError });
  });
}

/** What the lists that are in force and the store's own say of addresses. */
export function addressBookOver(screener: Pick<Screener, 'lookupAddress'>): AddressBook {
  return {
    async lookUp(tx, { merchantId, addresses }) {
      const own = await lookUpOwnAddresses(tx, { merchantId, addresses });
      const found = new Map<string, AddressFacts>();
      for (const address of addresses) {
        const hits = screener.lookupAddress(BITCOIN, address);
        const marks = hits.flatMap(({ list, versionId, entryId, label, categories }): Mark[] =>
          categories.map((kind) => ({
            kind,
            about: `${list} ${entryId} ${label ?? ''} (${versionId})`,
          })),
        );
        const verdict = own.get(address);
        // A person knows the address to be harmless; sanctions are for no shop to lift.
        const isAllowed = verdict?.verdict === 'allow';
        const kept = isAllowed ? marks.filter(({ kind }) => kind === 'sanctions') : marks;
        if (verdict?.verdict === 'block') {
          kept.push({ kind: 'blacklist', about: verdict.reason });
        }
        const isService = marks.some(({ kind }) => kind === 'exchange');
        if (kept.length > 0 || isService) found.set(address, { marks: kept, isService });
      }
      return found;
    },
  };
}
