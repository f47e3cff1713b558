export { addReportRoutes } from './routes.ts';
export { type Asked, readOrderReport, writeOrderReport } from './order-report.ts';
