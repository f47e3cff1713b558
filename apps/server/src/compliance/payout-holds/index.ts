/** Front door: whether payouts may be paid, and what people decide about it. */
export { createPayoutCaseListener } from './case-listener.ts';
export { type CheckDeps, checkWaitingPayouts, startPayoutChecks } from './check-waiting.ts';
export { identifierAssets } from './identifiers.ts';
export type { DestinationLists } from './look.ts';
export { payoutPreview, payoutScreen, type ScreenDeps } from './screen.ts';
