/** Thrown when the program contradicts itself: a bug, never a user's mistake. */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

/**
 * Stops the program's current work when an invariant does not hold.
 * @throws {AssertionError} when `condition` is false
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks a switch as exhaustive: the compiler refuses a case that is left over. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
