import { cpus, loadavg } from 'node:os';

/** What a benchmark found, as run.ts prints it and writes it to bench/results. */
export type BenchResult = {
  name: string;
  rows: Record<string, unknown>[];
  /** Further tables, by title. */
  tables?: Record<string, Record<string, unknown>[]>;
  ratios: Record<string, number>;
  targets: Target[];
  /** What a reader has to know to judge the figures. */
  notes?: string[];
  /** Software that was measured, by name: "PostgreSQL" → "18.4". */
  versions?: Record<string, string>;
};

/** A promise about a figure, and whether this run kept it. */
export type Target = {
  what: string;
  value: number;
  unit: string;
  limit: { atLeast: number } | { atMost: number };
};

export type BenchOptions = {
  quick: boolean;
  /** Of a simulation, instead of its own. */
  seeds?: readonly number[] | undefined;
};
export type Bench = (options: BenchOptions) => Promise<BenchResult>;

export function isMet({ value, limit }: Target): boolean {
  return 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost;
}

export type Machine = {
  cpu: string;
  cores: number;
  loadBefore: number[];
  node: string;
  date: string;
};

/** The machine as it is now; the load tells how much of it others were using. */
export function describeMachine(nowMs: number): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    loadBefore: loadavg().map((load) => rounded(load)),
    node: process.version,
    date: new Date(nowMs).toISOString(),
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a share `q` of the values does not exceed (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** Three significant digits are more than such a measurement is worth. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
