export { addComplianceReportRoutes, type ComplianceReportDeps } from './routes.ts';
