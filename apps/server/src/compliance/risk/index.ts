/** Front door of risk: see README.md. */
export { riskCaseListener } from './case-listener.ts';
export { SHIPPED_RISK_CONFIG } from './config.ts';
export { type Decided, decidePayment } from './decide-payment.ts';
export { gatherChainFacts } from './gather-facts.ts';
export { bucketOf } from './history.ts';
export { readRecordedTransactions } from './queue-store.ts';
export { addRiskRoutes, type RiskRouteDeps } from './routes.ts';
export {
  type ScreeningDeps,
  screenPayments,
  startScreening,
  watchStuck,
} from './screen-payments.ts';
export { readFromNode } from './trace/read-from-node.ts';
export { trace } from './trace/trace.ts';
export type { Read, ReadTransactions, TracedTransaction } from './trace/traced-transaction.ts';
