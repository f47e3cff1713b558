import type { Network } from '@quittance/bitcoin';
import { assert, type Clock, type Ids, type Random } from '@quittance/kernel';
import { startReconciliation } from '../accounting/reconciliation/index.ts';
import { useWatcher } from './receiving/chain-watch.ts';
import { customerRescreener, useCustomers } from './compliance/customer-work.ts';
import { openApi } from './http-api.ts';
import {
  type MoneyOut,
  openMoneyOut,
  type SignerSetting,
  signerCheck,
  useSpends,
  walletsOfSigner,
} from './paying/money-out.ts';
import {
  type Lightning,
  type LightningOptions,
  openLightning,
  useLightning,
} from './receiving/lightning.ts';
import { useMonitoring, useRateSampling } from './compliance/monitoring-work.ts';
import { watchNode } from './receiving/node-alerts.ts';
import {
  countAlerts,
  countOrders,
  countRequests,
  healthChecks,
  type Running,
  registerGauges,
} from './observability.ts';
import { addPayerPages } from './payer-pages.ts';
import type { ResolverSettings } from '../paying/lightning/index.ts';
import { coinsFollower } from '../paying/coins/index.ts';
import { createPaymentAdopter, createPayoutListener } from '../paying/payouts/index.ts';
import { createRefundsFollower, expireRefunds, payByPayouts } from '../paying/refunds/index.ts';
import { openServerApprover } from '../paying/spends/index.ts';
import { useLightningPayouts } from './paying/lightning-payouts.ts';
import { createPaymentListener } from '../paying/lightning/index.ts';
import { payoutListener } from './paying/payout-listeners.ts';
import { useRisk } from './compliance/risk-work.ts';
import { screenOfPayouts, usePayoutChecks } from './compliance/payout-checks-work.ts';
import { usePayouts } from './paying/payout-work.ts';
import { type BitcoinRpcTarget } from '../platform/bitcoin-node/index.ts';
import { type Database, openDatabase, roleUrls } from '../platform/db/index.ts';
import { armFaultPoint } from '../platform/fault-points.ts';
import { type Routes, registerHealth, registerMetrics } from '../platform/health/index.ts';
import {
  buildHttp,
  type Http,
  open,
  pruneIdempotencyKeys,
  type RateLimits,
} from '../platform/http/index.ts';
import type { Lifecycle } from '../platform/lifecycle/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { startLoop } from '../platform/loops/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import { ADDRESSES_CHANNEL, refillPools } from '../receiving/addresses/index.ts';
import { type ZmqEndpoints } from '../receiving/chain/index.ts';
import type { OrderCreator } from '../receiving/orders/index.ts';
import { createHttpFetch, createRates, type RateSource } from '../receiving/rates/index.ts';
import { type Screening, useScreening } from './compliance/screening-work.ts';
import {
  type AlertDeps,
  audienceReader,
  type SmtpSettings,
  startMailer,
} from '../telling/notifications/index.ts';
import { startWebhookDispatcher, type UrlPolicy } from '../telling/webhooks/index.ts';
import { readMerchant } from '../tenancy/merchants/index.ts';

export type FlowOptions = {
  role: 'all' | 'api' | 'watcher' | 'worker';
  network: Network;
  ownerUrl: string;
  publicUrl: string;
  http: { host: string; port: number; trustProxy: string[] };
  bitcoin: { target: BitcoinRpcTarget; zmq: ZmqEndpoints };
  startHeight: number | undefined;
  rateSources: readonly RateSource[];
  webhookUrls: UrlPolicy;
  /** Which servers behind Lightning addresses may be asked; left out: public ones over https. */
  lightningAddresses?: ResolverSettings | undefined;
  /** How e-mails about alerts are sent; undefined: they are not. */
  mail?: { smtp: SmtpSettings; operatorEmails: readonly string[] } | undefined;
  limits: Partial<RateLimits>;
  socketsPerAddress: number;
  version: string;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Logger;
  metrics: Metrics;
  /** How transactions of ours are signed; null: elsewhere, as PSBTs. */
  signer: SignerSetting;
  /** The key with which the server approves payouts by itself. */
  approverFile: string;
  /** Folder with the XSDs of authorities; null or left out: reports are not checked. */
  filingSchemas?: string | null;
  secretsKeyFile: LightningOptions['secretsKeyFile'];
  lightning?: LightningOptions['lightning'];
  /** Where /metrics is served; undefined: beside the API. */
  metricsAt?: { host: string; port: number } | undefined;
  /** The port that was bound. */
  onListening?(port: number): void;
  /** More routes, such as the demo's shop. */
  addRoutes?(http: Http, deps: { database: Database; orders: OrderCreator }): Promise<void>;
};

/** A lost announcement of a new wallet delays its refill by no more than this. */
const REFILL_EVERY_MS = 5_000;
const PRUNE_EVERY_MS = 600_000;
/** The link itself goes by the clock; this only ends the refund and frees its amount. */
const EXPIRE_REFUNDS_EVERY_MS = 30_000;

/**
 * The whole server, top to bottom in the order of a payment's path (design §2): prices and
 * addresses for orders, the HTTP interface that makes them, the chain that pays them, webhooks that
 * tell of it. Each part is a resource of the lifecycle; `role` says which of them run here.
 */
export function assemble(lifecycle: Lifecycle, options: FlowOptions): Database {
  const { role, log, clock } = options;
  armFaultPoint(process.env, options.network);
  const urls = roleUrls(options.ownerUrl);
  const database = openDatabase({
    ...urls,
    onError: (error) => {
      log.warn({ error }, 'a database connection failed');
      options.metrics.count('quittance_db_errors_total', { kind: 'connection' });
    },
  });
  lifecycle.use('database', () => ({ stop: () => database.close() }));
  const runs = (part: 'api' | 'watcher' | 'worker') => role === 'all' || role === part;
  const state: Running = {
    watcher: undefined,
    loops: [],
    rates: undefined,
    oldestDueAgeMs: undefined,
  };

  const out = openMoneyOut(lifecycle, options, {
    database,
    listener: createPayoutListener({ listener: payoutListener }),
    adopter: createPaymentAdopter({ listener: payoutListener, alerts: alertDepsOf(options) }),
  });
  const lightning = openLightning(lifecycle, options, { database, alerts: alertDepsOf(options) });
  const screening = useScreening(lifecycle, options, {
    ...{ database, alerts: alertDepsOf(options), loops: state.loops },
    rescreener: customerRescreener(options, { database, sealer: lightning.sealer }),
  });
  if (runs('worker')) {
    lifecycle.use('addresses', () => {
      const loop = startLoop({
        name: 'addresses',
        everyMs: REFILL_EVERY_MS,
        run: (signal) => refillPools(database, signal),
        wake: (ring) => database.listen(ADDRESSES_CHANNEL, { message: ring, gap: ring }),
        onError: (error) => log.warn({ error }, 'addresses can not be derived ahead'),
        clock,
      });
      state.loops.push(loop);
      return loop;
    });
    lifecycle.use('refunds', () => {
      const loop = startLoop({
        name: 'refunds',
        everyMs: EXPIRE_REFUNDS_EVERY_MS,
        run: async (signal) => {
          await expireRefunds(database, { ids: options.ids, clock }, signal);
        },
        onError: (error) => log.warn({ error }, 'unclaimed refunds can not be ended'),
        clock,
      });
      state.loops.push(loop);
      return loop;
    });
    lifecycle.use('pruning', () => {
      const loop = startLoop({
        name: 'pruning',
        everyMs: PRUNE_EVERY_MS,
        run: async () => {
          await pruneIdempotencyKeys(database, clock.nowMs());
        },
        onError: (error) => log.warn({ error }, 'old answers can not be removed'),
        clock,
      });
      state.loops.push(loop);
      return loop;
    });
  }
  if (runs('watcher')) {
    const followers = [
      ...out.followers,
      coinsFollower,
      createRefundsFollower({
        ids: options.ids,
        payouts: payByPayouts({ network: options.network, listener: payoutListener }),
      }),
    ];
    useWatcher(lifecycle, options, { database, url: urls.systemUrl, state, followers });
    lifecycle.use('node alerts', () => {
      const deps = alertDepsOf(options);
      const problem = () => state.watcher?.status().problem;
      const loop = watchNode({ ...options, database, deps, problem });
      state.loops.push(loop);
      return loop;
    });
  }
  if (runs('worker')) {
    const alerts = alertDepsOf(options);
    const { loops } = state;
    const listener = createPaymentListener({ alerts });
    const screen = screenOfPayouts(options, screening);
    useLightning(lifecycle, options, { database, lightning, loops, alerts, listener });
    useLightningPayouts(lifecycle, options, {
      ...{ database, lightning, loops, alerts },
      listener: payoutListener,
      gate: out.gate,
      screen,
    });
    useSpends(lifecycle, options, { out, loops: state.loops });
    usePayouts(lifecycle, options, {
      out,
      loops: state.loops,
      alerts: alertDepsOf(options),
      ...{ listener: payoutListener, screen },
      approver: options.signer === null ? null : openServerApprover(options.approverFile),
    });
    lifecycle.use('webhooks', () =>
      startWebhookDispatcher({
        database,
        clock,
        random: options.random,
        log,
        connectGuard: options.webhookUrls,
        metrics: {
          attempted: (outcome) =>
            options.metrics.count('quittance_webhook_deliveries_total', { outcome }),
          queue: (_depth, oldestDueAgeMs) => {
            state.oldestDueAgeMs = oldestDueAgeMs;
          },
        },
      }),
    );
  }
  if (runs('worker')) {
    lifecycle.use('reconciliation', () => {
      const loop = startReconciliation({ ...options, database, deps: alertDepsOf(options) });
      state.loops.push(loop);
      return loop;
    });
  }
  if (runs('worker')) {
    const { sealer } = lightning;
    const { loops } = state;
    const { screener } = screening;
    const alerts = alertDepsOf(options);
    useRisk(lifecycle, options, { database, alerts, loops, screener });
    useCustomers(lifecycle, options, { database, sealer, loops, screener });
    useMonitoring(lifecycle, options, { database, screening, loops });
    usePayoutChecks(lifecycle, options, { database, screening, loops });
  }
  if (runs('worker')) useMailer(lifecycle, options, { database, state });
  useHttp(lifecycle, options, { database, state, out, lightning, screening });
  registerGauges(options.metrics, state);
  if (runs('worker')) {
    lifecycle.use('counters', () => countOrders(database, options.metrics));
    lifecycle.use('alert counters', () => countAlerts(database, options.metrics));
  }
  return database;
}

/** E-mails about alerts, where a mail server is configured. */
function useMailer(
  lifecycle: Lifecycle,
  options: FlowOptions,
  { database, state }: { database: Database; state: Running },
): void {
  const { mail, metrics } = options;
  if (mail === undefined) return;
  lifecycle.use('mailer', () => {
    const mailer = startMailer({
      ...options,
      database,
      smtp: mail.smtp,
      onAttempt: (outcome) => metrics.count('quittance_alert_emails_total', { outcome }),
    });
    state.loops.push(mailer);
    return mailer;
  });
}

/** What parts of the flow need to raise alerts. */
export function alertDepsOf({ clock, ids, mail }: FlowOptions): AlertDeps {
  const operatorEmails = mail?.operatorEmails;
  return { clock, ids, readAudience: audienceReader({ readMerchant, operatorEmails }) };
}

function useHttp(
  lifecycle: Lifecycle,
  options: FlowOptions,
  parts: {
    database: Database;
    state: Running;
    out: MoneyOut;
    lightning: Lightning;
    screening: Screening;
  },
): void {
  const { database, state, out, lightning } = parts;
  const { clock, log, metrics } = options;
  const common = {
    log,
    version: options.version,
    publicUrl: options.publicUrl,
    limits: options.limits,
    trustProxy: options.http.trustProxy,
  };

  async function serve(http: Http): Promise<void> {
    registerHealth(publicRoutes(http), {
      clock,
      checks: [...healthChecks(state, database), ...signerCheck(out)],
      ...(options.metricsAt === undefined ? { metrics } : {}),
    });
    // Not inside the call: an optional call evaluates no arguments when nobody wants to know.
    const port = await http.listen(options.http);
    options.onListening?.(port);
  }

  if (options.metricsAt !== undefined) {
    const at = options.metricsAt;
    lifecycle.use('metrics', async () => {
      const tag = { authenticate: () => undefined, instanceTag: 'metrics' };
      const http = await buildHttp({ ...common, ...tag });
      registerMetrics(publicRoutes(http), metrics);
      await http.listen(at);
      return { stop: () => http.close() };
    });
  }
  if (options.role === 'all' || options.role === 'api') {
    useRates(lifecycle, options, state);
    useRateSampling(lifecycle, options, { database, state });
    lifecycle.use('http', async () => {
      assert(state.rates !== undefined, 'rates start before the interface that uses them');
      const { rates } = state;
      const urlPolicy = options.webhookUrls;
      const { spends } = out;
      const { sealer } = lightning;
      const own = { fees: spends.fees, payoutListener, node: spends.node, spends };
      const more = { ...own, lightning, sealer, screener: parts.screening.screener() };
      const api = await openApi({
        ...{ ...options, ...more, database, rates, urlPolicy, http: common },
        ...walletsOfSigner(out),
      });
      const { http, orders } = api;
      countRequests(http.app, options.metrics);
      const drawing = { publicUrl: options.publicUrl, rates };
      await addPayerPages(http.app, { ...options, database, lightning, drawing });
      await options.addRoutes?.(http, { database, orders });
      await serve(http);
      return { stop: () => api.close() };
    });
  } else {
    lifecycle.use('probes', async () => {
      const http = await buildHttp({
        ...common,
        authenticate: () => undefined,
        instanceTag: options.role,
      });
      await serve(http);
      return { stop: () => http.close() };
    });
  }
}

function useRates(lifecycle: Lifecycle, options: FlowOptions, state: Running): void {
  const { clock, random } = options;
  lifecycle.use('rates', () => {
    const http = createHttpFetch();
    const sources = options.rateSources;
    const rates = createRates({ sources, fetchText: http.fetchText, clock, random });
    rates.start();
    state.rates = rates;
    return {
      async stop() {
        await rates.stop();
        await http.close();
      },
    };
  });
}

/** The probes need no key, like every route that says so. */
function publicRoutes({ app }: Http): Routes {
  return {
    get: (path, route, handler) => app.get(path, { ...route, config: open }, handler),
  };
}
