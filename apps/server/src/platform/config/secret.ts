import { inspect } from 'node:util';

const REDACTED = '[secret]';

/**
 * A value that never prints: not in a log line, not in JSON, not in an error message. Whoever
 * needs it says so with `reveal()`, which is easy to find in a review.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
