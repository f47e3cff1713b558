/** The demo can't go on; the message says why and what to do. */
export class DemoError extends Error {
  override name = 'DemoError';
}

/** Somebody ended the demo before it was done. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}
