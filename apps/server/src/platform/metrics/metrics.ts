import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

type CounterRow = { kind: 'counter'; help: string; labels: readonly string[] };
type GaugeRow = { kind: 'gauge'; help: string; labels: readonly string[]; source: string };
type HistogramRow = {
  kind: 'histogram';
  help: string;
  labels: readonly string[];
  buckets: number[];
};

/** Seconds: what a person notices lies between 10 ms and 5 s. */
const LATENCY_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Every metric of the server. Labels take few distinct values (a state, a route's pattern, a
 * source's name), never an id: each distinct value is a time series for ever.
 */
export const metricTable = {
  quittance_orders_created_total: counter('Orders created.', []),
  quittance_orders_by_status_total: counter('Orders that entered a status.', ['status']),
  quittance_mempool_events_total: counter('Events read from the node’s mempool, by kind.', [
    'kind',
  ]),
  quittance_chain_blocks_total: counter('Blocks taken in or taken back.', ['direction']),
  quittance_webhook_deliveries_total: counter('Webhook attempts by outcome.', ['outcome']),
  quittance_risk_decisions_total: counter('Risk decisions about payments.', ['action', 'mode']),
  quittance_alerts_total: counter('Alerts told, by kind and why.', ['kind', 'cause']),
  quittance_alert_emails_total: counter('E-mails about alerts by outcome of an attempt.', [
    'outcome',
  ]),
  quittance_db_errors_total: counter('Errors of the database connections.', ['kind']),
  quittance_http_requests_total: counter('HTTP requests answered.', ['method', 'route', 'status']),
  quittance_http_request_seconds: histogram('Time to answer a request.', ['method', 'route']),
  quittance_detect_seconds: histogram(
    'From hearing of a transaction to the committed payment.',
    [],
  ),
  quittance_chain_height: gauge('Height of the last block taken in.', [], 'chain'),
  quittance_chain_lag_blocks: gauge(
    'Blocks that the node has and we have not taken in.',
    [],
    'chain',
  ),
  quittance_webhook_oldest_due_seconds: gauge(
    'Age of the oldest delivery that is due.',
    [],
    'webhooks',
  ),
  quittance_spend_broadcasts_total: counter('Transactions given to the node, by outcome.', [
    'outcome',
  ]),
  quittance_spend_signatures_total: counter('Requests to the signer, by outcome.', ['outcome']),
  quittance_spends_open: gauge('Spends under way, by state.', ['state'], 'spends'),
  quittance_spend_oldest_seconds: gauge(
    'Age of the oldest spend under way, by state.',
    ['state'],
    'spends',
  ),
  quittance_payout_runs_total: counter('Runs of payout processors and payments by hand.', [
    'outcome',
    'origin',
  ]),
  quittance_payouts_begun_total: counter('Payouts that a transaction was planned for.', ['origin']),
  quittance_payouts_open: gauge('Payouts that have not ended, by state.', ['state'], 'payouts'),
  quittance_payout_oldest_seconds: gauge(
    'How long the oldest payout has been in its state.',
    ['state'],
    'payouts',
  ),
  quittance_signer_up: gauge('Whether the signer answers: 1 or 0.', [], 'signer'),
  quittance_lightning_attempts_total: counter('Attempts to pay over Lightning, by outcome.', [
    'outcome',
    'origin',
  ]),
  quittance_lightning_attempts_open: gauge(
    'Lightning payments without an outcome, by what the node said last.',
    ['answer'],
    'lightning attempts',
  ),
  quittance_lightning_attempt_oldest_seconds: gauge(
    'Age of the oldest Lightning payment without an outcome.',
    ['answer'],
    'lightning attempts',
  ),
  quittance_card_taps_total: counter('Cards that were tapped: offered, or why they were refused.', [
    'outcome',
  ]),
  quittance_draws_total: counter('What was asked of pull payments: drawn, or why it was refused.', [
    'outcome',
  ]),
  quittance_lightning_events_total: counter('Events of Lightning nodes that were taken in.', [
    'type',
  ]),
  quittance_lightning_nodes: gauge(
    'Lightning nodes of all stores: green, or red because they can not be read.',
    ['state'],
    'lightning',
  ),
  quittance_alerts_open: gauge('Alerts that are open, of all stores.', ['severity'], 'alerts'),
  quittance_reconciliations_total: counter('Stores compared with their coins, by result.', [
    'state',
  ]),
  quittance_reconciliation_stores: gauge(
    'Stores by the result of their last comparison.',
    ['state'],
    'reconciliation',
  ),
  quittance_reconciliation_oldest_seconds: gauge(
    'Age of the comparison that lies back furthest.',
    [],
    'reconciliation',
  ),
  quittance_rate_age_seconds: gauge('Age of the last price from a source.', ['source'], 'rates'),
} as const satisfies Record<string, CounterRow | GaugeRow | HistogramRow>;

type Table = typeof metricTable;
type NamesOf<Kind> = {
  [Name in keyof Table]: Table[Name]['kind'] extends Kind ? Name : never;
}[keyof Table];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
/** Where gauges are read from: a group that succeeds or fails together. */
export type GaugeSource = Table[GaugeName]['source'];
export type Labels = Readonly<Record<string, string>>;
/** One reading: which gauge, its labels, its value (finite). */
export type Reading = { name: GaugeName; labels?: Labels; value: number };

export interface Metrics {
  readonly contentType: string;
  count(name: CounterName, labels?: Labels, by?: number): void;
  observe(name: HistogramName, seconds: number, labels?: Labels): void;
  /**
   * Says how to read a source's gauges, afresh at each scrape. When `read` throws, takes too long
   * or gives a value that is no number, the source's gauges vanish and
   * `quittance_source_up{source}` is 0: an unknown number is never shown as zero.
   */
  registerSource(source: GaugeSource, read: () => Promise<Reading[]> | Reading[]): void;
  /** The page for Prometheus. */
  render(): Promise<string>;
}

/** A scrape waits this long for a source; Prometheus gives up after 10 s by default. */
const SOURCE_TIMEOUT_MS = 3_000;

/**
 * Makes a registry of its own; nothing is global, so that tests and several servers in one
 * process don't mix.
 * @param options.processMetrics also CPU, memory and event loop of this process
 */
export function createMetrics(
  options: { processMetrics?: boolean; sourceTimeoutMs?: number } = {},
): Metrics {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const made = makeMetrics(registry);
  const readers = new Map<GaugeSource, () => Promise<Reading[]> | Reading[]>();
  const up = new Gauge({
    name: 'quittance_source_up',
    help: 'Whether the source of a group of gauges could be read: 1 or 0.',
    labelNames: ['source'],
    registers: [registry],
  });

  async function refresh(source: GaugeSource, read: () => Promise<Reading[]> | Reading[]) {
    let readings: Reading[] | undefined;
    try {
      readings = await within(options.sourceTimeoutMs ?? SOURCE_TIMEOUT_MS, read);
    } catch {
      readings = undefined;
    }
    const sound =
      readings?.every(
        ({ name, value }) => Number.isFinite(value) && metricTable[name].source === source,
      ) ?? false;
    for (const [name, gauge] of made.gauges) {
      if (metricTable[name].source === source) forget(gauge, metricTable[name].labels);
    }
    up.set({ source }, sound ? 1 : 0);
    if (!sound) return;
    for (const { name, labels, value } of readings ?? []) {
      made.gauges.get(name)?.set({ ...labels }, value);
    }
  }

  return {
    contentType: registry.contentType,
    count: (name, labels = {}, by = 1) => made.counters.get(name)?.inc({ ...labels }, by),
    observe: (name, seconds, labels = {}) =>
      made.histograms.get(name)?.observe({ ...labels }, seconds),
    registerSource(source, read) {
      readers.set(source, read);
    },
    async render() {
      await Promise.all([...readers].map(([source, read]) => refresh(source, read)));
      return registry.metrics();
    },
  };
}

function makeMetrics(registry: Registry) {
  const counters = new Map<CounterName, Counter>();
  const gauges = new Map<GaugeName, Gauge>();
  const histograms = new Map<HistogramName, Histogram>();
  const registers = [registry];
  for (const [name, row] of Object.entries(metricTable)) {
    const common = { name, help: row.help, labelNames: [...row.labels], registers };
    if (row.kind === 'counter') counters.set(name as CounterName, new Counter(common));
    else if (row.kind === 'gauge') {
      const gauge = new Gauge(common);
      forget(gauge, row.labels);
      gauges.set(name as GaugeName, gauge);
    } else {
      histograms.set(name as HistogramName, new Histogram({ ...common, buckets: row.buckets }));
    }
  }
  return { counters, gauges, histograms };
}

/** prom-client shows a gauge without labels as 0 from birth and after a reset; nobody measured that. */
function forget(gauge: Gauge, labels: readonly string[]): void {
  gauge.reset();
  if (labels.length === 0) gauge.remove();
}

async function within<T>(timeoutMs: number, work: () => Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function counter<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'counter' as const, help, labels };
}

function gauge<const L extends readonly string[], const S extends string>(
  help: string,
  labels: L,
  source: S,
) {
  return { kind: 'gauge' as const, help, labels, source };
}

function histogram<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'histogram' as const, help, labels, buckets: LATENCY_BUCKETS };
}
