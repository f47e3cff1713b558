/** Front door of monitoring: see README.md. */
export { DAY_MS, type MonitoringConfig, readConfig } from './config.ts';
export { advance, type Advance } from './engine.ts';
export type { Finding } from './finding.ts';
export { monitorInMemory } from './memory-states.ts';
export type { Mark, Movement } from './movement.ts';
