export { addComplianceSettingsRoutes, type ComplianceSettingsRouteDeps } from './routes.ts';
export { type ComplianceSettings, readComplianceSettings } from './settings.ts';
