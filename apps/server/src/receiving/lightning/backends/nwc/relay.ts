import { WebSocket } from 'ws';
import { z } from 'zod';
import { type NostrEvent, nostrEventShape } from './nostr-event.ts';

/** Relays answer a handshake in well under a second; Tor needs a few. */
const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 60_000;
/** Relays close what is quiet; and a dead TCP connection is found out by this alone. */
const PING_MS = 30_000;
/** One event with the largest content, and its frame. */
const MAX_MESSAGE_BYTES = 256 * 1_024;

export type Filter = Readonly<Record<string, unknown>>;

/** A connection to one relay (NIP-01) that comes back by itself, with its subscriptions. */
export type Relay = {
  readonly url: string;
  isOpen(): boolean;
  /** Resolves when there is a connection; also when that takes for ever. */
  opened(): Promise<void>;
  /** Tries to connect now, if that is being waited for. */
  hurry(): void;
  /** False when there is no connection: then nothing was sent. */
  publish(event: NostrEvent): boolean;
  /** Events that fit, from now on and after every reconnection, until `close`. */
  subscribe(id: string, filter: () => Filter): void;
  close(): void;
};

export type RelayEvents = {
  onEvent(event: NostrEvent): void;
  /** The relay said that it has sent all that it had stored for a subscription. */
  onStored(subscription: string): void;
  /** The relay has refused an event, with its words. */
  onRefused(eventId: string, words: string): void;
  onReconnected(): void;
};

const messageShape = z.union([
  z.tuple([z.literal('EVENT'), z.string(), nostrEventShape]),
  z.tuple([z.literal('EOSE'), z.string()]).rest(z.unknown()),
  z.tuple([z.literal('OK'), z.string(), z.boolean()]).rest(z.string()),
]);

export function connectRelay(url: string, events: RelayEvents): Relay {
  const subscriptions = new Map<string, () => Filter>();
  const waiting = new Set<() => void>();
  let socket: WebSocket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pause = FIRST_PAUSE_MS;
  let everOpen = false;
  let closed = false;

  function open(): void {
    const current = new WebSocket(url, {
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    socket = current;
    let isAlive = true;
    const ping = setInterval(() => {
      if (!isAlive) current.terminate();
      isAlive = false;
      if (current.readyState === WebSocket.OPEN) current.ping();
    }, PING_MS);
    ping.unref();
    current.on('pong', () => {
      isAlive = true;
    });
    current.on('open', () => {
      pause = FIRST_PAUSE_MS;
      for (const id of subscriptions.keys()) ask(id);
      for (const wake of waiting) wake();
      waiting.clear();
      if (everOpen) events.onReconnected();
      everOpen = true;
    });
    current.on('message', (data) => {
      isAlive = true;
      take(String(data));
    });
    // An error is always followed by "close".
    current.on('error', () => undefined);
    current.on('close', () => {
      clearInterval(ping);
      if (closed) return;
      timer = setTimeout(() => {
        timer = undefined;
        open();
      }, pause);
      timer.unref();
      pause = Math.min(2 * pause, MAX_PAUSE_MS);
    });
  }

  function ask(id: string): void {
    const filter = subscriptions.get(id);
    if (filter !== undefined) send(['REQ', id, filter()]);
  }

  function send(message: unknown): boolean {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  function take(text: string): void {
    const message = messageShape.safeParse(parse(text));
    // NOTICE, CLOSED, AUTH and what future relays say is nothing that we could act on.
    if (!message.success) return;
    const { data } = message;
    if (data[0] === 'EVENT') events.onEvent(data[2]);
    else if (data[0] === 'EOSE') events.onStored(data[1]);
    else if (!data[2]) events.onRefused(data[1], String(data[3] ?? 'no reason given'));
  }

  open();
  return {
    url,
    isOpen: () => socket?.readyState === WebSocket.OPEN,
    opened: () =>
      socket?.readyState === WebSocket.OPEN
        ? Promise.resolve()
        : new Promise((resolve) => waiting.add(resolve)),
    hurry() {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      open();
    },
    publish: (event) => send(['EVENT', event]),
    subscribe(id, filter) {
      subscriptions.set(id, filter);
      ask(id);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.terminate();
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
