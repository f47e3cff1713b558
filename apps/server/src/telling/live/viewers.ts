import type { Uuid } from '@quittance/kernel';
import { type Frame, isNews } from './frame.ts';

/** The part of a WebSocket that is used here. */
export type Socket = {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
};
export type Viewer = {
  orderId: Uuid;
  socket: Socket;
  address: string;
  /** What the viewer has been sent; older or equal frames are not news. */
  last: Frame | undefined;
  /** Answered the last ping. */
  alive: boolean;
};

export type LiveLimits = {
  /** All sockets of this process; each costs some 10 kB. */
  maxSockets: number;
  /** A school or an office behind one address fits; one visitor with a loop does not. */
  maxSocketsPerAddress: number;
  /** A frame has 150 bytes: who has not taken a hundred of them is not listening. */
  maxBufferedBytes: number;
  /** Proxies cut connections that are silent for 60 s. */
  pingEveryMs: number;
};
export const defaultLiveLimits: LiveLimits = {
  maxSockets: 20_000,
  maxSocketsPerAddress: 200,
  maxBufferedBytes: 16_384,
  pingEveryMs: 25_000,
};

const OPEN = 1;

export type Viewers = ReturnType<typeof makeViewers>;

/** Who watches which order. An order has any number of viewers; each is sent every change once. */
export function makeViewers(limits: LiveLimits) {
  const byOrder = new Map<Uuid, Set<Viewer>>();
  const byAddress = new Map<string, number>();
  let count = 0;

  function tell(viewer: Viewer, frame: Frame, text: string): void {
    if (!isNews(frame, viewer.last) || viewer.socket.readyState !== OPEN) return;
    if (viewer.socket.bufferedAmount > limits.maxBufferedBytes) {
      viewer.socket.terminate();
      return;
    }
    viewer.last = frame;
    viewer.socket.send(text);
  }

  return {
    /** @returns undefined when there is no room */
    add(orderId: Uuid, socket: Socket, address: string): Viewer | undefined {
      const fromAddress = byAddress.get(address) ?? 0;
      if (count >= limits.maxSockets || fromAddress >= limits.maxSocketsPerAddress)
        return undefined;
      const viewer = { orderId, socket, address, last: undefined, alive: true };
      const viewers = byOrder.get(orderId);
      if (viewers === undefined) byOrder.set(orderId, new Set([viewer]));
      else viewers.add(viewer);
      byAddress.set(address, fromAddress + 1);
      count++;
      return viewer;
    },
    remove(viewer: Viewer): void {
      const viewers = byOrder.get(viewer.orderId);
      if (viewers === undefined || !viewers.delete(viewer)) return;
      if (viewers.size === 0) byOrder.delete(viewer.orderId);
      const left = (byAddress.get(viewer.address) ?? 0) - 1;
      if (left > 0) byAddress.set(viewer.address, left);
      else byAddress.delete(viewer.address);
      count--;
    },
    tell: (viewer: Viewer, frame: Frame) => tell(viewer, frame, JSON.stringify(frame)),
    broadcast(frame: Frame): void {
      const viewers = byOrder.get(frame.orderId);
      if (viewers === undefined) return;
      const text = JSON.stringify(frame);
      for (const viewer of viewers) tell(viewer, frame, text);
    },
    watchedOrders: (): Uuid[] => [...byOrder.keys()],
    isWatched: (orderId: Uuid): boolean => byOrder.has(orderId),
    count: () => count,
    /** Pings all; who did not answer the last ping is gone. */
    ping(): void {
      for (const viewers of byOrder.values()) {
        for (const viewer of viewers) {
          if (!viewer.alive) {
            viewer.socket.terminate();
            continue;
          }
          viewer.alive = false;
          viewer.socket.ping();
        }
      }
    },
    closeAll(code: number, reason: string): void {
      for (const viewers of byOrder.values())
        for (const viewer of viewers) viewer.socket.close(code, reason);
    },
  };
}
