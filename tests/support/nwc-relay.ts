import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import {
  isGenuine,
  kinds,
  type NostrEvent,
  nostrEventShape,
} from '../../apps/server/src/receiving/lightning/backends/nwc/nostr-event.ts';

const filterShape = z.object({
  kinds: z.array(z.number()).optional(),
  authors: z.array(z.string()).optional(),
  '#p': z.array(z.string()).optional(),
});
type Filter = z.infer<typeof filterShape>;
const messageShape = z.union([
  z.tuple([z.literal('EVENT'), nostrEventShape]),
  z.tuple([z.literal('REQ'), z.string(), filterShape]),
]);

/** The least that a relay of NIP-01 does: hands on what fits, and keeps info events. */
export type TestRelay = {
  readonly url: string;
  /** What clients have sent, in the order of arrival. */
  readonly seen: readonly NostrEvent[];
  /** Decides what is handed on; null stands for everything. Others are lost, as on a bad line. */
  passOn: ((event: NostrEvent) => boolean) | null;
  publish(event: NostrEvent): void;
  /** Cuts all connections; new ones are taken. */
  cut(): void;
  stop(): Promise<void>;
};

export async function startRelay(port = 0): Promise<TestRelay> {
  const server = new WebSocketServer({ host: '127.0.0.1', port });
  await once(server, 'listening');
  const stored = new Map<string, NostrEvent>();
  const seen: NostrEvent[] = [];
  const subscriptions = new Map<WebSocket, Map<string, Filter>>();

  const relay: TestRelay = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    passOn: null,
    publish(event) {
      if (!isGenuine(event)) return;
      seen.push(event);
      if (event.kind === kinds.info) stored.set(event.pubkey, event);
      if (relay.passOn?.(event) === false) return;
      for (const [socket, filters] of subscriptions) {
        for (const [id, filter] of filters) {
          if (fits(event, filter)) socket.send(JSON.stringify(['EVENT', id, event]));
        }
      }
    },
    cut() {
      for (const socket of server.clients) socket.terminate();
    },
    async stop() {
      relay.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  server.on('connection', (socket) => {
    const filters = new Map<string, Filter>();
    subscriptions.set(socket, filters);
    socket.on('close', () => subscriptions.delete(socket));
    socket.on('message', (data) => {
      const message = messageShape.safeParse(JSON.parse(String(data)));
      if (!message.success) return;
      const [type, second, third] = message.data;
      if (type === 'EVENT') {
        socket.send(JSON.stringify(['OK', second.id, isGenuine(second), '']));
        relay.publish(second);
      } else {
        filters.set(second, third);
        for (const event of stored.values()) {
          if (fits(event, third)) socket.send(JSON.stringify(['EVENT', second, event]));
        }
        socket.send(JSON.stringify(['EOSE', second]));
      }
    });
  });
  return relay;
}

function fits(event: NostrEvent, filter: Filter): boolean {
  const { kinds: wanted, authors, '#p': recipients } = filter;
  if (wanted?.includes(event.kind) === false) return false;
  if (authors?.includes(event.pubkey) === false) return false;
  return (
    recipients === undefined ||
    event.tags.some(([name, value]) => name === 'p' && recipients.includes(value ?? ''))
  );
}
