import type { LightningNode } from '../../receiving/lightning/index.ts';
import { readListeningMerchants, wakeAttemptsOf } from './attempt-store.ts';
import type { AttemptDeps } from './deps.ts';

/** Nodes that one process listens to because of payments; the loop looks at the others as well. */
const MAX_LISTENED_TO = 500;

/**
 * Listens to the nodes that have open attempts. What a node says only rings: its attempts become due
 * and are asked about.
 */
export function createDoorbells(
  deps: Pick<AttemptDeps, 'database' | 'clock' | 'nodes' | 'log'>,
  ring: () => void,
): { refresh(): Promise<void>; stop(): void } {
  const heard = new Map<string, { node: LightningNode; stop: () => void }>();

  function onEvent(nodeId: string): void {
    const nowMs = deps.clock.nowMs();
    deps.database
      .asSystem((tx) => wakeAttemptsOf(tx, { nodeId, nowMs }))
      .then(ring)
      .catch((error: unknown) => deps.log.warn({ error, nodeId }, 'a doorbell was not heard'));
  }

  return {
    async refresh() {
      const read = (tx: Parameters<typeof readListeningMerchants>[0]) =>
        readListeningMerchants(tx, MAX_LISTENED_TO);
      const wanted = new Set<string>();
      for (const merchantId of await deps.database.asSystem(read)) {
        const connected = await deps.nodes.connectionOf(merchantId).catch(() => null);
        if (connected === null) continue;
        const { id, node } = connected;
        wanted.add(id);
        const known = heard.get(id);
        if (known?.node === node) continue;
        known?.stop();
        heard.set(id, { node, stop: node.onEvent(() => onEvent(id)) });
      }
      for (const [id, { stop }] of heard) {
        if (wanted.has(id)) continue;
        stop();
        heard.delete(id);
      }
    },
    stop() {
      for (const { stop } of heard.values()) stop();
      heard.clear();
    },
  };
}
