import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import type { LightningNode } from '../../receiving/lightning/index.ts';
import type { AttemptListener, AttemptOrigin } from './attempt.ts';

/** A store's node as it is connected now. */
export type ConnectedNode = { readonly id: Uuid; readonly node: LightningNode };

/** Gives the node of a store; null where it has none. */
export type NodesOfStores = {
  connectionOf(merchantId: Uuid): Promise<ConnectedNode | null>;
};

export type AttemptLog = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** What becomes of attempts is counted for the operator. */
export type AttemptNotices = {
  /** @param outcome `succeeded`, or the label of the failure's class */
  ended?(outcome: string, origin: AttemptOrigin): void;
};

/** What sending and following attempts works with. */
export type AttemptDeps = {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly nodes: NodesOfStores;
  readonly listener: AttemptListener;
  readonly log: AttemptLog;
  readonly notices?: AttemptNotices;
};
