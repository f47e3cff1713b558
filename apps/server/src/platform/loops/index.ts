export { setDeadline } from './deadline.ts';
export { type AdvisoryLock, advisoryKey, holdAdvisoryLock } from './advisory-lock.ts';
export { type DelayGrowth, growingDelayMs } from './growing-delay.ts';
export { type Loop, type LoopOptions, startLoop } from './loop.ts';
