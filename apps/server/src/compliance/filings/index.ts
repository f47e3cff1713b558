export { buildFiling } from './build.ts';
export type { Built, FilingSummary, Finding } from './findings.ts';
export { type Sample, sampleFiling } from './samples/sample-facts.ts';
export { type FilingValidator, openFilingValidator, type Validation } from './validate.ts';
export type { FilingRouteDeps } from './reporter-routes.ts';
export { addFilingRoutes } from './routes.ts';
export { readFilingDuty } from './store.ts';
