export { startBitcoindDoorbells, type ZmqEndpoints } from './bitcoind-doorbells.ts';
export { createBitcoindSource } from './bitcoind-source.ts';
export { ChainHaltError, type ChainSource, type Doorbells } from './chain-source.ts';
export { type ChainFollower, type CoinKeeper, inTurn, type OwnOutput } from './followers.ts';
export { type Cursor, readCursor } from './store.ts';
export { startWatcher, type Watcher, type WatcherOptions } from './watcher.ts';
export type { NodeFinding } from './node-checks.ts';
export { inspectNode, type NodeQuestion } from './node-facts.ts';
