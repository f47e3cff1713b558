import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import type { CaseEvent } from './case.ts';
import type { OwnCase } from './case-store.ts';
import { appendLog } from './log-store.ts';

/** Writes what happened into the case's log: its kind, and all else of the event as content. */
export async function recordEvent(
  tx: Tx,
  own: OwnCase,
  given: { id: Uuid; event: CaseEvent; by: string; atMs: number },
): Promise<void> {
  await recordEvents(tx, own, { ...given, events: [given] });
}

/** The same for what happened at once, in this order. */
export async function recordEvents(
  tx: Tx,
  own: OwnCase,
  given: { events: readonly { id: Uuid; event: CaseEvent }[]; by: string; atMs: number },
): Promise<void> {
  const entries = given.events.map(({ id, event: { kind, ...content } }) => ({
    ...{ id, kind, content: canonicalJson(content) },
  }));
  await appendLog(tx, own, { atMs: given.atMs, actor: given.by, entries });
}
