import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { decodeState, encodeState } from './state-codec.ts';
import type { State, StateKind, StateWrite } from './state.ts';

export type StateRef = { readonly kind: StateKind; readonly subject: string };
type Row = { kind: StateKind; subject: string; state: unknown; updated_at: Date };

export async function readStates(
  tx: Tx,
  merchantId: Uuid,
  refs: readonly StateRef[],
): Promise<(StateRef & { state: State })[]> {
  if (refs.length === 0) return [];
  const rows = await tx.query<Row>(
    `SELECT kind, subject, state FROM monitoring_state
      WHERE merchant_id = $1 AND (kind, subject) IN
            (SELECT * FROM unnest($2::text[], $3::text[]))`,
    [merchantId, refs.map(({ kind }) => kind), refs.map(({ subject }) => subject)],
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
  { merchantId, subject }: { merchantId: Uuid; subject: string },
): Promise<{ kind: StateKind; state: unknown; updatedAt: Date }[]> {
  const rows = await tx.query<Row>(
    `SELECT kind, subject, state, updated_at FROM monitoring_state
      WHERE merchant_id = $1 AND subject = $2 ORDER BY kind`,
    [merchantId, subject],
  );
  return rows.map(({ kind, state, updated_at }) => ({ kind, state, updatedAt: updated_at }));
}

export async function writeStates(
  tx: Tx,
  merchantId: Uuid,
  { writes, atMs }: { writes: readonly StateWrite[]; atMs: number },
): Promise<void> {
  const kept = writes.filter(({ state }) => state !== null);
  const gone = writes.filter(({ state }) => state === null);
  if (kept.length > 0) {
    await tx.query(
      `INSERT INTO monitoring_state (merchant_id, kind, subject, state, updated_at)
       SELECT $1, kind, subject, state::jsonb, $5
         FROM unnest($2::text[], $3::text[], $4::text[]) AS new (kind, subject, state)
       ON CONFLICT (merchant_id, kind, subject)
         DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
      [
        merchantId,
        kept.map(({ kind }) => kind),
        kept.map(({ subject }) => subject),
        kept.map(({ state }) => encodeState(state)),
        new Date(atMs),
      ],
    );
  }
  if (gone.length > 0) {
    await tx.query(
      `DELETE FROM monitoring_state WHERE merchant_id = $1 AND (kind, subject) IN
              (SELECT * FROM unnest($2::text[], $3::text[]))`,
      [merchantId, gone.map(({ kind }) => kind), gone.map(({ subject }) => subject)],
    );
  }
}

export async function deleteStates(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query('DELETE FROM monitoring_state WHERE merchant_id = $1', [merchantId]);
}
