export { createGate, type Gate } from './gate.ts';
export { rememberingSigner } from './remembering-signer.ts';
export { addHoldRoutes } from './routes.ts';
export { hold, markCaughtUp, readGuard, release } from './store.ts';
export { heldBecause, holdWallet, readWalletHolds } from './wallet-hold-store.ts';
