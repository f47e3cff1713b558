import type { OrderView } from '@quittance/contract';
import type { LiveWorld } from './live.ts';
import type { CheckoutPaths } from '../model.ts';

/** A question that takes longer than this has failed: the phone has changed networks. */
const READ_TIMEOUT_MS = 10_000;

/** The browser as `followOrder` sees it. */
export function browserWorld(paths: CheckoutPaths): LiveWorld {
  return {
    async readView() {
      const answer = await fetch(paths.view, {
        cache: 'no-store',
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(READ_TIMEOUT_MS),
      });
      if (!answer.ok) throw new Error(`view: ${answer.status}`);
      return (await answer.json()) as OrderView;
    },
    openSocket(on) {
      const url = new URL(paths.socket, location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      const socket = new WebSocket(url);
      socket.onopen = () => on.open();
      socket.onclose = () => on.close();
      socket.onmessage = (event) => on.ring(versionOf(event.data));
      return () => {
        socket.onopen = socket.onclose = socket.onmessage = null;
        socket.close();
      };
    },
    after(ms, task) {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  };
}

/** Frames are a doorbell only: all that is read of them is whether they are news. */
function versionOf(frame: unknown): number | undefined {
  try {
    const parsed: unknown = JSON.parse(String(frame));
    if (typeof parsed !== 'object' || parsed === null || !('version' in parsed)) return undefined;
    return typeof parsed.version === 'number' ? parsed.version : undefined;
  } catch {
    return undefined;
  }
}
