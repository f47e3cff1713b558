/**
 * Places where the crash suites end the process as SIGKILL would. For tests only: refused unless
 * the vault is for regtest, where money is worth nothing.
 */
export const faultPoints = [
  'signer:before-log',
  'signer:log-torn',
  'signer:after-log',
  'signer:before-answer',
  'signer:answer-torn',
  'signer:after-answer',
  'signer:snapshot-written',
  'signer:policy-prepared',
  'signer:policy-logged',
] as const;
export type FaultPoint = (typeof faultPoints)[number];

export const FAULT_POINT_VARIABLE = 'QUITTANCE_FAULT_POINT';

let armed: string | undefined;

/**
 * Reads which point is to be the end, if any.
 * @returns a sentence when that is not allowed or not a point
 */
export function armFaultPoint(
  env: Readonly<Record<string, string | undefined>>,
  network: string,
): string | null {
  const name = env[FAULT_POINT_VARIABLE];
  if (name === undefined || name === '') return null;
  if (!name.startsWith('signer:')) return null;
  if (network !== 'regtest') return `${FAULT_POINT_VARIABLE} is for tests on regtest only`;
  if (!faultPoints.some((point) => point === name)) {
    return `${FAULT_POINT_VARIABLE}: there is no "${name}"; there are ${faultPoints.join(', ')}`;
  }
  armed = name;
  return null;
}

export function isFaultArmed(point: FaultPoint): boolean {
  return armed === point;
}

/** Ends the process here and now when this point is the one that is armed. */
export function faultPoint(point: FaultPoint): void {
  if (armed !== point) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives at once on Linux; nothing may happen in the meantime anywhere.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
}
