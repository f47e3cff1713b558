import type { NodeLog } from './ldk/callbacks.ts';
import type { LdkParts } from './ldk/parts.ts';
import type { Gate } from './state/gate.ts';
import type { Records } from './state/records.ts';

/** What the parts of the node have in common. */
export type NodeContext = {
  readonly parts: LdkParts;
  readonly records: Records;
  readonly gate: Gate;
  readonly log: NodeLog;
  nowMs(): number;
  /** Height of the last block that LDK was told of. */
  height(): number;
  /** Has events, messages and state worked off soon; after each call into LDK that changes. */
  wake(): void;
  /** Runs what calls into LDK: a trap there ends the process. */
  enter<T>(run: () => T): T;
};
