import { randomFillSync } from 'node:crypto';
import type { Random } from '@quittance/kernel';

/** The operating system's randomness. Only composition roots use it. */
export const systemRandom: Random = (target) => randomFillSync(target);

/** Uniform in [0, 1), from the randomness that was passed in. */
export function nextChance(random: Random): number {
  const bytes = random(new Uint8Array(4));
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
