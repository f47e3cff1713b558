import {
  askDue,
  createCustomerRescreener,
  eraseDue,
  openProviderClient,
  passTime,
  screenDue,
  type WorkDeps,
} from '../../compliance/customers/index.ts';
import type { PartyScreener } from '../../compliance/customers/index.ts';
import type { Rescreener } from '../../compliance/screening/index.ts';
import { customerDeps } from './routes.ts';
import type { FlowOptions } from '../flow.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Sealer } from '../../platform/sealing/index.ts';

/** A customer who was taken in by a process without lists is screened within this time. */
const SCREEN_EVERY_MS = 30_000;
/** Expiries, reviews and erasures are reckoned in days. */
const CARE_EVERY_MS = 60_000;
/** A person waits for the link of the provider. */
const ASK_EVERY_MS = 2_000;

export type CustomerParts = { database: Database; sealer: Sealer; loops: Loop[] };

/** Screens everybody again after a switch of lists. */
export function customerRescreener(
  options: FlowOptions,
  parts: Omit<CustomerParts, 'loops'>,
): Rescreener {
  return createCustomerRescreener(workDeps(options, parts, undefined));
}

/** What a worker does for customers: screening by the day, expiries, reviews, erasures, providers. */
export function useCustomers(
  lifecycle: Lifecycle,
  options: FlowOptions,
  parts: CustomerParts & { screener(): PartyScreener },
): void {
  const { clock, log, publicUrl } = options;
  lifecycle.use('customers', () => {
    const deps = workDeps(options, parts, parts.screener());
    const client = openProviderClient({ policy: options.webhookUrls });
    const asking = { ...deps, client, publicUrl };
    const works: [string, number, (signal: AbortSignal) => Promise<boolean>][] = [
      ['customer screening', SCREEN_EVERY_MS, (signal) => screenDue(deps, signal)],
      ['customer reviews', CARE_EVERY_MS, (signal) => passTime(deps, signal)],
      ['customer erasures', CARE_EVERY_MS, (signal) => eraseDue(deps, signal)],
      ['identity verifications', ASK_EVERY_MS, (signal) => askDue(asking, signal)],
    ];
    const loops = works.map(([name, everyMs, work]) =>
      startLoop({
        ...{ name, everyMs, clock },
        run: async (signal) => ((await work(signal)) ? 'again' : undefined),
        onError: (error) => log.warn({ error }, `${name} failed`),
      }),
    );
    parts.loops.push(...loops);
    return {
      async stop() {
        await Promise.all(loops.map((loop) => loop.stop()));
        await client.close();
      },
    };
  });
}

function workDeps(
  { clock, ids, random, log }: FlowOptions,
  { database, sealer }: Omit<CustomerParts, 'loops'>,
  screener: PartyScreener | undefined,
): WorkDeps {
  return {
    ...customerDeps({ clock, ids, random, sealer, screener }),
    database,
    onError: (error) => log.warn({ error }, 'work on a customer failed'),
  };
}
