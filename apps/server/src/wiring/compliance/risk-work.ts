import {
  readFromNode,
  readRecordedTransactions,
  startScreening,
} from '../../compliance/risk/index.ts';
import type { Screener } from '../../compliance/screening/index.ts';
import type { FlowOptions } from '../flow.ts';
import { createBitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Loop } from '../../platform/loops/index.ts';
import type { AlertDeps } from '../../telling/notifications/index.ts';

/** Uniform in [0, 1) from four random bytes. */
const UINT32 = 2 ** 32;

/**
 * Decides about payments of stores that ask for it (compliance/risk), with the node at hand to follow
 * coins back. Where no store asks, it looks at an empty index now and then.
 */
export function useRisk(
  lifecycle: Lifecycle,
  options: FlowOptions,
  parts: { database: Database; alerts: AlertDeps; loops: Loop[]; screener(): Screener },
): void {
  const { clock, ids, log, metrics, network, random } = options;
  const { database, alerts } = parts;
  lifecycle.use('risk', () => {
    const node = createBitcoinRpc(options.bitcoin.target);
    const read = readFromNode({
      node,
      network,
      readRecord: (txids) => database.asSystem((tx) => readRecordedTransactions(tx, txids)),
    });
    const loop = startScreening({
      ...{ database, clock, ids, read, alerts, screener: parts.screener() },
      chance: () => Buffer.from(random(new Uint8Array(4))).readUInt32BE() / UINT32,
      onDecided: ({ action, mode }) =>
        metrics.count('quittance_risk_decisions_total', { action, mode }),
      onError: (error) => log.warn({ error }, 'a payment can not be checked now'),
    });
    parts.loops.push(loop);
    return {
      async stop() {
        await loop.stop();
        await node.close();
      },
    };
  });
}
