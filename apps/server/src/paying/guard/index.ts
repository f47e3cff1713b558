export { createGate, type Gate } from './gate.ts';
export { rememberingSigner } from './remembering-signer.ts';
export { hold, markCaughtUp, readGuard, release } from './store.ts';
