import { createServer, type IncomingMessage } from 'node:http';
import { verifyWebhook, WebhookVerificationError } from '@quittance/client';
import type { WebhookEvent } from '@quittance/contract';
import { assert } from '@quittance/kernel';
import { readBounded } from '../../platform/outbound/index.ts';

export type WebhookReceiver = {
  url: string;
  /** From now on deliveries are verified with this secret. */
  trust(secret: string): void;
  /** Resolves with the first genuine event, past or to come, that fits. */
  next(fits: (event: WebhookEvent) => boolean): Promise<WebhookEvent>;
  close(): Promise<void>;
};

/** The server's own messages have a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** The other end of a webhook as a shop has it: a small HTTP server that verifies what it gets. */
export async function startReceiver(host: string): Promise<WebhookReceiver> {
  const events: WebhookEvent[] = [];
  const waiting = new Set<() => void>();
  let secret: string | undefined;
  const server = createServer((request, response) => {
    readBody(request)
      .then((body) => {
        if (secret === undefined) throw new WebhookVerificationError('no secret yet');
        events.push(verifyWebhook({ headers: request.headers, body, secrets: [secret] }));
        response.writeHead(204).end();
        for (const look of waiting) look();
      })
      .catch(() => response.writeHead(400).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
  return {
    url: `http://${host}:${address.port}/webhooks`,
    trust(given) {
      secret = given;
    },
    next(fits) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = events.find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const body = await readBounded(request, MAX_BODY_BYTES);
  if (body === null) throw new WebhookVerificationError('the body is too long');
  return body;
}
