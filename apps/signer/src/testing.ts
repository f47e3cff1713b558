/**
 * For other suites: the real signer process in a folder of its own, requests as a server makes them,
 * and everything that a hostile one might try. Regtest only.
 */
export { type FaultPoint, faultPoints } from './faults.ts';
export type { PolicyFile } from './policy/policy.ts';
export { faultsOf } from './testing/auditor.ts';
export { type Case, type Cast, honestCase, honestReturn, toParams } from './testing/cases.ts';
export { ask, attacks, type Game, startGame } from './testing/game.ts';
export { testSeed, walletKeys } from './testing/keys.ts';
export { mutateParams, playSplitting, replaceWith } from './testing/plays.ts';
export {
  permissivePolicy,
  startTestSigner,
  type TestSigner,
  type TestSignerOptions,
} from './testing/process.ts';
export {
  approvalsOf,
  changeOutput,
  type Coin,
  type Draft,
  makeCoin,
  p2wpkh,
  paramsOf,
  payoutOf,
  psbtOf,
} from './testing/requests.ts';
export { publicWallet, type Wallet } from './wallets.ts';
