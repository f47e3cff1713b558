/** Front door of monitoring: see README.md. */
export { DAY_MS, type MonitoringConfig, readConfig } from './config.ts';
export { advance, type Advance } from './engine.ts';
export type { Finding } from './finding.ts';
export { startMonitoring } from './loop.ts';
export { monitorInMemory } from './memory-states.ts';
export { type MonitorDeps, monitorStores } from './monitor-store.ts';
export type { Mark, Movement } from './movement.ts';
export { insertLinks as linkParties } from './movement-store.ts';
export { type AddressBook, type AddressFacts, emptyAddressBook, type KnownLinks } from './ports.ts';
export { addMonitoringRoutes, type MonitoringRouteDeps } from './routes.ts';
export { SAMPLE_EVERY_MS, sampleRates, startRateSampling } from './sample-rates.ts';
