import type { Ids, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { raiseComplianceAlert } from '../cases/index.ts';
import type { ListEntry, Question, Score } from '../screening/index.ts';
import type { VaultDeps } from './vault.ts';

/** Somebody on a list who may be the customer. */
export type PartyHit = {
  list: string;
  versionId: string;
  entry: ListEntry;
  /** What it means to be on the list. */
  purpose: 'sanctions' | 'pep' | 'attribution' | 'other';
  name: { text: string };
  score: Score;
  match: boolean;
};

/** The lists as they are in force in this process (compliance/screening). */
export type PartyScreener = {
  screenName(query: Question & { limit?: number }): {
    hits: readonly PartyHit[];
    versions: readonly { list: string; digest: string }[];
  };
};

export type CustomerDeps = VaultDeps & {
  ids: Ids;
  /** Absent in a process that has no lists: the worker screens then. */
  screener: PartyScreener | undefined;
  raiseAlert: typeof raiseComplianceAlert;
  /** Whether a store has its customers screened. */
  isScreened(tx: Tx, merchantId: Uuid): Promise<boolean>;
  /** What cases and reports about a customer say about keeping it. */
  caseDuty(
    tx: Tx,
    which: { merchantId: Uuid; customerId: Uuid },
  ): Promise<{ open: boolean; lastClosedAtMs: number | null }>;
  /** Takes off orders what the shop wrote about them (receiving/orders). */
  forgetOrderTexts(tx: Tx, which: { merchantId: Uuid; customerId: Uuid }): Promise<void>;
  /** The same for cases, reports and refunds; of the worker's role only (compliance/cases). */
  redactCases(tx: Tx, which: { merchantId: Uuid; customerId: Uuid; atMs: number }): Promise<number>;
};

/** Who does something, and when. */
export type Doing = { by: string; nowMs: number };
