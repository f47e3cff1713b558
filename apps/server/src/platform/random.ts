import { randomFillSync } from 'node:crypto';
import type { Random } from '@quittance/kernel';

/** The operating system's randomness. Only composition roots use it. */
export const systemRandom: Random = (target) => randomFillSync(target);
