export { listAudit, recordAudit } from './audit.ts';
export { addAuditRoutes } from './routes.ts';
export type { NewAuditEntry } from './store.ts';
