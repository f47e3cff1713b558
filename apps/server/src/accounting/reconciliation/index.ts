export { startReconciliation } from './loop.ts';
export { compareWithNode, type NodeDeps } from './node-coins.ts';
export { reconcileAllStores } from './reconcile-all-stores.ts';
export {
  type Break,
  type Explained,
  type Facts,
  type NodeFacts,
  reconcile,
  type Reconciliation,
} from './reconcile.ts';
export { addReconciliationRoutes, type ReconciliationRouteDeps } from './routes.ts';
export { reconcileDue, reconcileStore } from './run-reconciliation.ts';
