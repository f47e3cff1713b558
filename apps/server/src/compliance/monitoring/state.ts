import type { LinkState, SharesState } from './groups.ts';
import type { ArrivalsState, CycleState } from './rules/cycle.ts';
import type { DormantState } from './rules/dormant.ts';
import type { FanState } from './rules/fan.ts';
import type { LargeState } from './rules/large.ts';
import type { RapidState } from './rules/rapid.ts';
import type { RoundState } from './rules/round.ts';
import type { StructuringState } from './rules/structuring.ts';

/** Everything that is kept, by what it is of. Each is bounded by constants of its rule. */
export type StateOf = {
  /** A party's. */
  large_transaction: LargeState;
  rapid_movement: RapidState;
  fan_in: FanState;
  fan_out: FanState;
  dormant_then_active: DormantState;
  round_amount: RoundState;
  cycle: CycleState;
  structuring: StructuringState;
  shares: SharesState;
  /** A node's of the graph of who pays whom: a party or an address. */
  arrivals: ArrivalsState;
  /** An address's, a document's or another thing's that parties share. */
  link: LinkState;
};
export type StateKind = keyof StateOf;
export type State = StateOf[StateKind];

/** What is known now. Undefined: nothing is kept of this subject. */
export type ReadState = <Kind extends StateKind>(
  kind: Kind,
  subject: string,
) => StateOf[Kind] | undefined;

/** What is kept from now on; null: nothing any more. */
export type StateWrite = {
  readonly kind: StateKind;
  readonly subject: string;
  readonly state: State | null;
};

/** What is known, with what one movement writes on top of it. */
export type States = {
  get<Kind extends StateKind>(kind: Kind, subject: string): StateOf[Kind] | null;
  set<Kind extends StateKind>(kind: Kind, subject: string, state: StateOf[Kind] | null): void;
  writes(): StateWrite[];
};

export function statesOver(read: ReadState): States {
  const written = new Map<string, StateWrite>();
  return {
    get<Kind extends StateKind>(kind: Kind, subject: string) {
      const own = written.get(stateKey(kind, subject));
      if (own === undefined) return read(kind, subject) ?? null;
      // Written under this kind by set(), which takes a state of that kind only.
      return own.state as StateOf[Kind] | null;
    },
    set(kind, subject, state) {
      written.set(stateKey(kind, subject), { kind, subject, state });
    },
    writes: () => [...written.values()],
  };
}

export function stateKey(kind: StateKind, subject: string): string {
  return `${kind} ${subject}`;
}
