import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { decodeState, encodeState } from './state-codec.ts';
import type { State, StateKind, StateWrite } from './state.ts';

export type StateRef = { readonly kind: StateKind; readonly subject: string };
/** The present states of a store. */
export type StatesOf = { readonly merchantId: Uuid; readonly generation: number };
type Row = { kind: StateKind; subject: string; state: unknown; updated_at: Date };

export async function readStates(
  tx: Tx,
  { merchantId, generation }: StatesOf,
  refs: readonly StateRef[],
): Promise<(StateRef & { state: State })[]> {
  if (refs.length === 0) return [];
  const rows = await tx.query<Row>(
    `SELECT kind, subject, state FROM monitoring_state
      WHERE merchant_id = $1 AND generation = $2 AND (kind, subject) IN
            (SELECT * FROM unnest($3::text[], $4::text[]))`,
    [merchantId, generation, refs.map(({ kind }) => kind), refs.map(({ subject }) => subject)],
  );
  // Only encodeState() writes the column.
  return rows.map(({ kind, subject, state }) => ({
    ...{ kind, subject },
    state: decodeState(state) as State,
  }));
}

/** As they are stored, for people to look at. */
export async function readStatesOf(
  tx: Tx,
  { merchantId, generation, subject }: StatesOf & { subject: string },
): Promise<{ kind: StateKind; state: unknown; updatedAt: Date }[]> {
  const rows = await tx.query<Row>(
    `SELECT kind, subject, state, updated_at FROM monitoring_state
      WHERE merchant_id = $1 AND generation = $2 AND subject = $3 ORDER BY kind`,
    [merchantId, generation, subject],
  );
  return rows.map(({ kind, state, updated_at }) => ({ kind, state, updatedAt: updated_at }));
}

export async function writeStates(
  tx: Tx,
  { merchantId, generation }: StatesOf,
  { writes, atMs }: { writes: readonly StateWrite[]; atMs: number },
): Promise<void> {
  const kept = writes.filter(({ state }) => state !== null);
  const gone = writes.filter(({ state }) => state === null);
  if (kept.length > 0) {
    await tx.query(
      `INSERT INTO monitoring_state (merchant_id, generation, kind, subject, state, updated_at)
       SELECT $1, $2, kind, subject, state::jsonb, $6
         FROM unnest($3::text[], $4::text[], $5::text[]) AS new (kind, subject, state)
       ON CONFLICT (merchant_id, generation, kind, subject)
         DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
      [
        merchantId,
        generation,
        kept.map(({ kind }) => kind),
        kept.map(({ subject }) => subject),
        kept.map(({ state }) => encodeState(state)),
        new Date(atMs),
      ],
    );
  }
  if (gone.length > 0) {
    await tx.query(
      `DELETE FROM monitoring_state WHERE merchant_id = $1 AND generation = $2
          AND (kind, subject) IN (SELECT * FROM unnest($3::text[], $4::text[]))`,
      [merchantId, generation, gone.map(({ kind }) => kind), gone.map(({ subject }) => subject)],
    );
  }
}

/** So many rows are removed in one step, well within a statement's time. */
const MAX_REMOVED = 5_000;

/** Removes some of what is kept no more. @returns whether there may be more */
export async function removeOldStates(
  tx: Tx,
  { merchantId, generation }: StatesOf,
): Promise<boolean> {
  const removed = await tx.query(
    `DELETE FROM monitoring_state WHERE merchant_id = $1 AND (generation, kind, subject) IN
            (SELECT generation, kind, subject FROM monitoring_state
              WHERE merchant_id = $1 AND generation < $2 LIMIT $3) RETURNING 1 AS removed`,
    [merchantId, generation, MAX_REMOVED],
  );
  return removed.length === MAX_REMOVED;
}
