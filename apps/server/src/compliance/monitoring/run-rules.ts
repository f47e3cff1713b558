import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { MonitoringConfig } from './config.ts';
import { type Advance, advance } from './engine.ts';
import type { Finding } from './finding.ts';
import type { Movement } from './movement.ts';
import { edgeOf } from './rules/cycle.ts';
import {
  type ReadState,
  type State,
  type StateKind,
  type StateOf,
  stateKey,
  type StateWrite,
} from './state.ts';
import { readStates, type StateRef, writeStates } from './state-store.ts';

/** More than the hops of a cycle and of a group: a movement that asks for more is a bug. */
const MAX_LOADS = 60;

const KINDS_OF_PARTY = [
  'large_transaction',
  'structuring',
  'rapid_movement',
  'fan_in',
  'fan_out',
  'cycle',
  'dormant_then_active',
  'round_amount',
  'shares',
] as const satisfies readonly StateKind[];

/**
 * Takes movements into account, one after the other, and writes what is kept afterwards. What every
 * movement needs is read for all of them at once; what one turns out to need besides (linked parties, a
 * chain of payments) is read when it does, and the movement begins anew: advance() has no effects.
 * @returns what was found, by movement
 */
export async function runRules(
  tx: Tx,
  given: {
    merchantId: Uuid;
    movements: readonly Movement[];
    config: MonitoringConfig;
    atMs: number;
  },
): Promise<{ movement: Movement; findings: readonly Finding[] }[]> {
  const { merchantId, movements, config, atMs } = given;
  const known = new Map<string, State | null>();
  const dirty = new Map<string, StateWrite>();

  async function load(refs: readonly StateRef[]): Promise<void> {
    const unknown = refs.filter(({ kind, subject }) => !known.has(stateKey(kind, subject)));
    for (const { kind, subject } of unknown) known.set(stateKey(kind, subject), null);
    for (const { kind, subject, state } of await readStates(tx, merchantId, unknown)) {
      known.set(stateKey(kind, subject), state);
    }
  }

  async function take(movement: Movement): Promise<Advance> {
    for (let loads = 0; loads < MAX_LOADS; loads++) {
      const missing: StateRef[] = [];
      const read: ReadState = <Kind extends StateKind>(kind: Kind, subject: string) => {
        const state = known.get(stateKey(kind, subject));
        if (state === undefined) missing.push({ kind, subject });
        // Under a kind's key there are states of that kind only: advance() wrote them.
        return (state ?? undefined) as StateOf[Kind] | undefined;
      };
      const result = advance(read, movement, config);
      if (missing.length === 0) return result;
      await load(missing);
    }
    assert(false, 'a movement never stops asking for states');
  }

  await load(movements.flatMap(neededBy));
  const found: { movement: Movement; findings: readonly Finding[] }[] = [];
  for (const movement of movements) {
    const { writes, findings } = await take(movement);
    for (const write of writes) {
      const key = stateKey(write.kind, write.subject);
      known.set(key, write.state);
      dirty.set(key, write);
    }
    found.push({ movement, findings });
  }
  await writeStates(tx, merchantId, { writes: [...dirty.values()], atMs });
  return found;
}

function neededBy(movement: Movement): StateRef[] {
  const { party, links } = movement;
  const edge = edgeOf(movement);
  const nodes = edge === null ? [] : [edge.from, edge.to];
  return [
    ...KINDS_OF_PARTY.map((kind) => ({ kind, subject: party })),
    ...links.map((subject) => ({ kind: 'link' as const, subject })),
    ...nodes.map((subject) => ({ kind: 'arrivals' as const, subject })),
    ...(edge === null ? [] : [{ kind: 'cycle' as const, subject: edge.to }]),
  ];
}
