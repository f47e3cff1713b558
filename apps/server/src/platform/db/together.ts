import { ECHO } from './flight.ts';

/**
 * Waits for statements of one transaction that were begun at once. They leave together: they are
 * carried out one after the other, in the sequence in which they were begun, and cost one round trip
 * (flight.ts). Each sees what those before it did, locks included.
 *
 * After a failure the server refuses what follows. What is thrown is the failure and not such an echo,
 * and only once everything is answered, so that nothing is under way when the transaction ends.
 */
export async function together<const T extends readonly Promise<unknown>[]>(
  statements: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failures: unknown[] = [];
  for (const each of await Promise.allSettled(statements)) {
    if (each.status === 'rejected') failures.push(each.reason);
  }
  if (failures.length > 0) throw failures.find((failure) => !isEcho(failure)) ?? failures[0];
  return await Promise.all(statements);
}

/** Whether a failure only says that an earlier statement of the transaction has failed. */
function isEcho(failure: unknown): boolean {
  return (
    typeof failure === 'object' && failure !== null && 'code' in failure && failure.code === ECHO
  );
}
