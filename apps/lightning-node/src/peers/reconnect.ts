import { fromHex } from '@quittance/kernel';
import type { NodeLog } from '../ldk/callbacks.ts';
import type { PeerTransport } from './tcp.ts';

/** How often lost connections are looked for. */
const LOOK_MS = 150;
/** Pause after a failed try: doubling, so that a peer that is gone costs little. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 2_000;

/**
 * Keeps the connections to the peers whose address is known.
 * @param options.missing peers that should be connected and are not, with their address
 */
export function keepConnected(options: {
  transport: PeerTransport;
  missing: () => ReadonlyMap<string, string>;
  nowMs: () => number;
  log: NodeLog;
}): { stop(): void } {
  const { transport, missing, nowMs, log } = options;
  const tries = new Map<string, { notBeforeMs: number; pauseMs: number; isTrying: boolean }>();

  async function connect(nodeId: string, address: string): Promise<void> {
    const earlier = tries.get(nodeId);
    if (earlier !== undefined && (earlier.isTrying || nowMs() < earlier.notBeforeMs)) return;
    const pauseMs = Math.min(LAST_PAUSE_MS, 2 * (earlier?.pauseMs ?? FIRST_PAUSE_MS / 2));
    tries.set(nodeId, { notBeforeMs: 0, pauseMs, isTrying: true });
    const { host, port } = hostAndPort(address);
    try {
      await transport.connect(host, port, fromHex(nodeId));
    } catch (error) {
      log('debug', `peer ${nodeId} at ${address}: ${String(error)}`);
    }
    tries.set(nodeId, { notBeforeMs: nowMs() + pauseMs, pauseMs, isTrying: false });
  }

  const timer = setInterval(() => {
    const wanted = missing();
    for (const nodeId of tries.keys()) if (!wanted.has(nodeId)) tries.delete(nodeId);
    for (const [nodeId, address] of wanted) void connect(nodeId, address);
  }, LOOK_MS);
  return { stop: () => clearInterval(timer) };
}

export function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}
