import { type JsonValue, type MonitoringParty, type MonitoringStatus } from '@quittance/contract';
import { isoTime, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readActiveConfig } from './config-store.ts';
import { findFeed } from './feed-store.ts';
import { groupOf } from './groups.ts';
import { readMovementsOfParty } from './movement-store.ts';
import { configJson, movementJson } from './present.ts';
import { type StateKind, statesOver, stateKey, type State, type StateOf } from './state.ts';
import { readStates, readStatesOf, type StateRef } from './state-store.ts';

/** What a person reads in one go. */
const MAX_MOVEMENTS_SHOWN = 100;
/** Steps from a party to all that it is linked with: each finds the next ones. */
const MAX_LOADS = 30;

export async function readStatus(tx: Tx, merchantId: Uuid): Promise<MonitoringStatus> {
  const active = configJson(await readActiveConfig(tx, merchantId));
  const feed = await findFeed(tx, merchantId);
  if (feed === undefined) {
    const nothing = { movements: 0, rebuilding: null, unvalued: 0, lastMovementAt: null };
    return { running: false, active, ...nothing };
  }
  const { running, lastSeq, processedSeq, rebuildReason, unvalued, lastAtMs } = feed;
  return {
    ...{ running, active, movements: lastSeq, unvalued },
    rebuilding:
      rebuildReason === null ? null : { done: processedSeq, of: lastSeq, reason: rebuildReason },
    lastMovementAt: lastAtMs === null ? null : isoTime(lastAtMs),
  };
}

/** Undefined where nothing is recorded of the party. */
export async function readParty(
  tx: Tx,
  merchantId: Uuid,
  party: string,
): Promise<MonitoringParty | undefined> {
  const limit = MAX_MOVEMENTS_SHOWN;
  const movements = await readMovementsOfParty(tx, { merchantId, party, limit });
  if (movements.length === 0) return undefined;
  const states = await readStatesOf(tx, { merchantId, subject: party });
  return {
    party,
    linkedWith: (await readGroup(tx, merchantId, party)).slice(1),
    movements: movements.map(movementJson),
    states: states.map(({ kind, state, updatedAt }) => ({
      // As encodeState() has written it: an object of JSON.
      ...{ rule: kind, state: state as Record<string, JsonValue> },
      updatedAt: updatedAt.toISOString(),
    })),
  };
}

async function readGroup(tx: Tx, merchantId: Uuid, party: string): Promise<readonly string[]> {
  const known = new Map<string, State | null>();
  let group: readonly string[] = [party];
  for (let loads = 0; loads < MAX_LOADS; loads++) {
    const missing: StateRef[] = [];
    const read = <Kind extends StateKind>(kind: Kind, subject: string) => {
      const state = known.get(stateKey(kind, subject));
      if (state === undefined) missing.push({ kind, subject });
      // Under a kind's key there are states of that kind only.
      return (state ?? undefined) as StateOf[Kind] | undefined;
    };
    group = groupOf(statesOver(read), party);
    if (missing.length === 0) break;
    for (const { kind, subject } of missing) known.set(stateKey(kind, subject), null);
    for (const { kind, subject, state } of await readStates(tx, merchantId, missing)) {
      known.set(stateKey(kind, subject), state);
    }
  }
  return group;
}
