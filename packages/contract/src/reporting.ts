/** What is told to authorities and to other providers. */
export * from './compliance-reports.ts';
export * from './filing-facts.ts';
export * from './filings.ts';
export * from './ivms101.ts';
export * from './travel-rule.ts';
