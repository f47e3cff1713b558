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
  const { kind, ...content } = given.event;
  await appendLog(tx, own, {
    id: given.id,
    atMs: given.atMs,
    actor: given.by,
    kind,
    content: canonicalJson(content),
  });
}
