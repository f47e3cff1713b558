import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  verifyClassicWebhook,
  verifyWebhook,
  WebhookVerificationError,
} from '../../../packages/client/src/webhooks.ts';
import type { Dice } from './dice.ts';

export type Style = 'standard' | 'classic';
export type Manner = 'good' | 'slow' | 'failing';

export type Receiver = {
  readonly name: string;
  readonly url: string;
  readonly style: Style;
  readonly manner: Manner;
  /** Known once the endpoint has been made. */
  secret: string | undefined;
  /** Deliveries that were verified and accepted with 200, by what identifies the event. */
  readonly accepted: Map<string, number>;
};

export type Receivers = {
  readonly all: readonly Receiver[];
  add(name: string, style: Style, manner: Manner): Receiver;
  /** Whether slow and failing receivers behave so now. */
  misbehave(on: boolean): void;
  counts(): { deliveries: number; duplicates: number; refused: number };
  readonly faults: string[];
  close(): Promise<void>;
};

/** A classic delivery has no id: its order, time and status are what tells it from others. */
export function classicKey(event: { orderId: string; timestamp: string; status: string }): string {
  return `${event.orderId} ${event.timestamp} ${event.status}`;
}

/** How often the failing receiver fails. */
const FAILURE_RATE = 0.25;
/** Below the second after which the dispatcher puts an endpoint into the slow lane. */
const SLOW_MS = [150, 700] as const;

/** Local HTTP endpoints that verify and count every delivery before they answer. */
export async function startReceivers(dice: Dice, onDelivery: () => void): Promise<Receivers> {
  const receivers = new Map<string, Receiver>();
  const faults: string[] = [];
  let misbehaving = true;
  let refused = 0;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receiver = receivers.get(request.url ?? '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    onDelivery();
    if (receiver?.secret === undefined) {
      response.writeHead(404).end();
      return;
    }
    const key = readKey(receiver, receiver.secret, request, Buffer.concat(chunks));
    if (misbehaving && receiver.manner === 'slow') await sleep(dice.between(...SLOW_MS));
    const fails = misbehaving && receiver.manner === 'failing' && dice.chance(FAILURE_RATE);
    if (fails && dice.chance(0.5)) {
      refused++;
      response.writeHead(500).end('not now');
      return;
    }
    if (key === undefined) {
      response.writeHead(400).end('not genuine');
      return;
    }
    receiver.accepted.set(key, (receiver.accepted.get(key) ?? 0) + 1);
    // The other way to fail: the work is done, and the answer is lost.
    if (fails) request.socket.destroy();
    else response.writeHead(200).end('ok');
  }

  function readKey(
    { name, style }: Receiver,
    secret: string,
    { headers }: IncomingMessage,
    body: Buffer,
  ): string | undefined {
    try {
      if (style === 'classic') {
        return classicKey(verifyClassicWebhook({ headers, body, secrets: [secret] }));
      }
      return verifyWebhook({ headers, body, secrets: [secret] }).id;
    } catch (error) {
      const kind = error instanceof WebhookVerificationError ? 'not genuine' : 'not readable';
      faults.push(`${name} got a delivery that is ${kind}: ${String(error)}`);
      return undefined;
    }
  }

  const server = createServer((request, response) => {
    // A sender that was killed in the middle of its request is what this suite is about.
    take(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port for receivers');

  return {
    get all() {
      return [...receivers.values()];
    },
    add(name, style, manner) {
      const path = `/${name}`;
      const url = `http://127.0.0.1:${address.port}${path}`;
      const accepted = new Map<string, number>();
      const receiver: Receiver = { name, url, style, manner, secret: undefined, accepted };
      receivers.set(path, receiver);
      return receiver;
    },
    misbehave(on) {
      misbehaving = on;
    },
    counts() {
      let deliveries = 0;
      let distinct = 0;
      for (const { accepted } of receivers.values()) {
        distinct += accepted.size;
        for (const times of accepted.values()) deliveries += times;
      }
      return { deliveries, duplicates: deliveries - distinct, refused };
    },
    faults,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
