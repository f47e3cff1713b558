import { z } from 'zod';

const frameSchema = z.object({ orderId: z.string(), status: z.string(), timestamp: z.string() });

/** A frame of the public WebSocket and when it arrived, in `performance.now()` milliseconds. */
export type SeenFrame = z.infer<typeof frameSchema> & { atMs: number };

export type OrderWatch = {
  /** Resolves with the first frame, past or to come, of one of these statuses. */
  until(...statuses: string[]): Promise<SeenFrame>;
  close(): void;
};

/** Watches an order as any page does: over the public WebSocket. */
export function watchOrder(baseUrl: string, orderId: string): OrderWatch {
  const socket = new WebSocket(`${baseUrl.replace(/^http/, 'ws')}/ws/payment?orderId=${orderId}`);
  const frames: SeenFrame[] = [];
  const waiting = new Set<() => void>();
  let failure: Error | undefined;
  const wake = (): void => {
    for (const look of waiting) look();
  };
  socket.addEventListener('message', ({ data }) => {
    const atMs = performance.now();
    frames.push({ ...frameSchema.parse(JSON.parse(String(data))), atMs });
    wake();
  });
  socket.addEventListener('close', ({ code, reason }) => {
    failure = new Error(`the WebSocket was closed (${code} ${reason})`);
    wake();
  });
  return {
    until(...statuses) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const found = frames.find(({ status }) => statuses.includes(status));
          if (found === undefined && failure === undefined) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(failure);
        };
        waiting.add(look);
        look();
      });
    },
    close: () => socket.close(),
  };
}
