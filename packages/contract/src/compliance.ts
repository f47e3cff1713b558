/** Screening, risk, cases, customers, monitoring, filings. */
export * from './compliance-cases.ts';
export * from './compliance-lists.ts';
export * from './compliance-risk.ts';
export * from './compliance-settings.ts';
export * from './customer-checks.ts';
export * from './customer-settings.ts';
export * from './customers.ts';
export * from './monitoring.ts';
export * from './reporting.ts';
