import type { Network } from '@quittance/bitcoin';
import { assert } from '@quittance/kernel';

/** Names the point at which the process kills itself; on regtest only. */
export const FAULT_POINT_VARIABLE = 'QUITTANCE_FAULT_POINT';
/** "spend-signed", or "spend-signed@3" to let it pass twice and strike at the third time. */
const COUNTED = /^([a-z][a-z0-9-]*)(?:@([1-9][0-9]{0,5}))?$/;
/** Names of the signer's own process begin so; they are none of ours. */
const SIGNERS = 'signer:';

const known = new Set<string>();
let armed: { name: string; passesLeft: number } | undefined;
let strike: () => void = () => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before anything else of this process can run on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

/**
 * Registers boundaries between the steps of a money path, so that the crash matrix can enumerate
 * them from the code. Call it once in the module that has them.
 * @returns a function for each name; calling it does nothing unless that point is armed
 */
export function defineFaultPoints<const Names extends readonly string[]>(
  names: Names,
): (name: Names[number]) => void {
  for (const name of names) {
    assert(COUNTED.test(name) && !name.includes('@'), `defineFaultPoints: bad name ${name}`);
    assert(!known.has(name), `defineFaultPoints: ${name} is defined twice`);
    known.add(name);
  }
  return faultPoint;
}

/** Every boundary that the loaded modules have, in the order in which they were defined. */
export function faultPointNames(): readonly string[] {
  return [...known];
}

/** Kills this process with SIGKILL, at once, if the point is armed; else does nothing. */
export function faultPoint(name: string): void {
  if (armed === undefined || armed.name !== name) return;
  armed.passesLeft -= 1;
  if (armed.passesLeft <= 0) strike();
}

/**
 * Arms the point that the environment names, as "name" or "name:nth". Composition roots call it.
 * @throws {Error} when the network is not regtest, or no module defines the point
 */
export function armFaultPoint(
  environment: Readonly<Record<string, string | undefined>>,
  network: Network,
): void {
  const text = environment[FAULT_POINT_VARIABLE];
  if (text === undefined || text === '' || text.startsWith(SIGNERS)) return;
  if (network !== 'regtest') {
    throw new Error(
      `${FAULT_POINT_VARIABLE} is for tests on regtest; take it out of the environment`,
    );
  }
  const [, name, count] = COUNTED.exec(text) ?? [];
  if (name === undefined || !known.has(name)) {
    throw new Error(`${FAULT_POINT_VARIABLE}=${text} names no fault point`);
  }
  armed = { name, passesLeft: count === undefined ? 1 : Number(count) };
}

/** For tests inside one process: what happens instead of SIGKILL, at which point. */
export function armFaultPointForTest(
  point: { name: string; passes?: number; strike: () => void } | null,
): void {
  armed = point === null ? undefined : { name: point.name, passesLeft: point.passes ?? 1 };
  if (point !== null) {
    strike = () => {
      armed = undefined;
      point.strike();
    };
  }
}
