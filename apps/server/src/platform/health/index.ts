export {
  type Routes,
  type CheckResult,
  checkReadiness,
  type HealthCheck,
  type HealthOptions,
  type Readiness,
  registerHealth,
  registerMetrics,
} from './health.ts';
