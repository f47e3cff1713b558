import type { ProcessorDeps } from './deps.ts';
import { payOneByHand } from './pay-by-hand.ts';
import { runProcessor } from './run-processor.ts';
import { readDueProcessors } from './store.ts';

/** Processors that one round takes up; more are due in the next one, which follows at once. */
const PROCESSORS_PER_ROUND = 20;
/** A crowd of payments by hand must not keep processors waiting. */
const BY_HAND_PER_ROUND = 50;

/** As many in one round fail for a cause that they share; the others are spared until the next. */
const MAX_FAILED_BY_HAND = 5;

/**
 * One round of a worker: what people want paid now, then every processor that is due. Any number of
 * workers may do it at once: locks in the database decide who does what, and what one of them has
 * begun is in the database, not in its memory.
 * @returns 'again' when more is waiting
 */
export async function runDuePayouts(
  deps: ProcessorDeps,
  signal: AbortSignal,
): Promise<'again' | void> {
  const failures: unknown[] = [];
  let isMore = false;
  for (let paid = 0; paid < BY_HAND_PER_ROUND && !signal.aborted; paid++) {
    try {
      if (!(await payOneByHand(deps))) break;
    } catch (error) {
      // What stops one payment by hand stops no other and no processor: it is postponed.
      failures.push(error);
      if (failures.length === MAX_FAILED_BY_HAND) break;
    }
    isMore = paid + 1 === BY_HAND_PER_ROUND;
  }
  const nowMs = deps.clock.nowMs();
  const due = await deps.database.asSystem((tx) =>
    readDueProcessors(tx, { nowMs, limit: PROCESSORS_PER_ROUND }),
  );
  for (const processor of due) {
    if (signal.aborted) return;
    try {
      if ((await runProcessor(deps, processor)) === 'again') isMore = true;
    } catch (error) {
      // The processors of other stores have their turn all the same.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  if (isMore || due.length === PROCESSORS_PER_ROUND) return 'again';
}
