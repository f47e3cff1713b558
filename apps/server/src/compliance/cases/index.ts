export type { CaseDecision, CaseListener, CaseTelling } from './ports.ts';
export { type NewComplianceAlert, raiseComplianceAlert, SYSTEM_ACTOR } from './raise-alert.ts';
