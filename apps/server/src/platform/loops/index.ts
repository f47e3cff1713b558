export { type AdvisoryLock, advisoryKey, holdAdvisoryLock } from './advisory-lock.ts';
export { type Loop, type LoopOptions, startLoop } from './loop.ts';
