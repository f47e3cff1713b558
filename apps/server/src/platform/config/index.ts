export { ConfigError, type ConfigProblem, type ConfigSources, loadConfig } from './load.ts';
export { type Config, NETWORKS, type Network, ROLES, RPC_PORTS } from './schema.ts';
export { Secret } from './secret.ts';
export { type Setting, settings, settingsMarkdown } from './table.ts';
