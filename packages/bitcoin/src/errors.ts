/**
 * Thrown when bytes are not what the format says: truncated, left over, or counting more than they
 * hold. The bytes come from outside, so this is bad input and never a bug.
 */
export class MalformedError extends RangeError {
  override name = 'MalformedError';
}
