import { connect, type Socket } from 'node:net';
import { serveJobs } from './worker.ts';

/**
 * Makes orders over HTTP from this process, with a number of clients on a connection each, and
 * answers its parent with what it saw. Plain sockets: the machine's time should go to the server.
 */

export type LoadJob = {
  port: number;
  apiKey: string;
  clients: number;
  orders: number;
  /** Distinguishes this job's Idempotency-Keys. */
  tag: string;
};
export type LoadDone = { seconds: number; latenciesMs: number[]; lastOrderId: string };

const HEADER_END = Buffer.from('\r\n\r\n');

function run(job: LoadJob): Promise<LoadDone> {
  const latenciesMs: number[] = [];
  let started = 0;
  let lastOrderId = '';
  const began = performance.now();

  function client(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: job.port, noDelay: true });
      let sentAt = 0;
      let received: Buffer = Buffer.alloc(0);
      const next = () => {
        if (started === job.orders) {
          socket.destroy();
          resolve();
          return;
        }
        started += 1;
        sentAt = performance.now();
        send(socket, job, started);
      };
      socket.on('connect', next);
      socket.on('error', reject);
      socket.on('data', (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const body = bodyOf(received);
        if (body === undefined) return;
        received = Buffer.alloc(0);
        latenciesMs.push(performance.now() - sentAt);
        lastOrderId = /"id":"([^"]+)"/.exec(body)?.[1] ?? lastOrderId;
        next();
      });
    });
  }

  const clients = Array.from({ length: job.clients }, client);
  return Promise.all(clients).then(() => ({
    seconds: (performance.now() - began) / 1_000,
    latenciesMs,
    lastOrderId,
  }));
}

function send(socket: Socket, { apiKey, tag }: LoadJob, number: number): void {
  const body = JSON.stringify({
    amount: '19.90',
    currency: 'EUR',
    externalId: `cart-${number}`,
    description: 'Two coffees',
    metadata: { table: '12' },
  });
  socket.write(
    `POST /v1/orders HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${apiKey}\r\n` +
      `Idempotency-Key: ${tag}-${number}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/**
 * The body of a whole answer, or undefined when more is to come.
 * @throws when it is not a 201: a bench that measures refusals measures nothing
 */
function bodyOf(received: Buffer): string | undefined {
  const end = received.indexOf(HEADER_END);
  if (end < 0) return undefined;
  const head = received.toString('latin1', 0, end);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  const start = end + HEADER_END.length;
  if (received.length < start + length) return undefined;
  const body = received.toString('utf8', start, start + length);
  if (!head.startsWith('HTTP/1.1 201')) throw new Error(`the server answered ${head}\n${body}`);
  return body;
}

serveJobs(run);
