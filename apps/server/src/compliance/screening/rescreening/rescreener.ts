import type { Screener } from '../screener/screener.ts';

export type RescreenPage = {
  /** Screens by the lists of the switch, or of a later one. */
  screener: Screener;
  /** Number of the switch: who is asked about one twice is screened once. */
  epoch: bigint;
  /** What the page before gave; null: the first page. */
  position: string | null;
  /** Subjects of one page. */
  limit: number;
  signal: AbortSignal;
};

/**
 * Screens everybody who is registered, a page at a time, in transactions of its own. A page may come
 * again after a crash: doing it twice must change nothing.
 */
export type Rescreener = {
  rescreen(page: RescreenPage): Promise<{ screened: number; next: string | null }>;
};
