export type { Case } from './case.ts';
export { type CaseDuty, readCaseDuty, redactCasesOfCustomer } from './duty-store.ts';
export { type CaseFile, type CaseFileEntry, readCaseFile } from './read-case-file.ts';
export type { CaseDecision, CaseListener, CaseTelling } from './ports.ts';
export {
  type AlertPlace,
  lockAlertPlace,
  type NewComplianceAlert,
  raiseComplianceAlert,
  SYSTEM_ACTOR,
  writeComplianceAlert,
} from './raise-alert.ts';
export { addCaseRoutes, type CaseRouteDeps } from './routes.ts';
export { readCaseStatistics } from './statistics.ts';
export { verifyCase, verifyCases } from './verify-case.ts';
export { addCaseEvidence, markCaseReported } from './work-on-case.ts';
export { verifyAllCases } from './verify-all-cases.ts';
