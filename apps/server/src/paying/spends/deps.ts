import type { SignerClient } from '@quittance/signer/client';
import type { Clock, Ids, Random } from '@quittance/kernel';
import type { BitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { FeeEstimator } from './estimate-fee.ts';
import type { SpendListener } from './spend.ts';

/** What becomes of spends is counted and logged for the operator. */
export type SpendNotices = {
  sent?(outcome: 'sent' | 'refused' | 'unknown' | 'not_asked'): void;
  signed?(outcome: 'signed' | 'refused' | 'unavailable'): void;
};

export type SpendLog = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

/** What everything about spends works with. */
export type SpendDeps = {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly node: Pick<BitcoinRpc, 'call'>;
  /** Null: transactions are signed elsewhere (PSBT). */
  readonly signer: Pick<SignerClient, 'sign'> | null;
  readonly fees: FeeEstimator;
  readonly listener: SpendListener;
  readonly log: SpendLog;
  readonly notices?: SpendNotices;
};
