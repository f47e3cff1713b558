import { Agent, request } from 'node:http';
import { connect } from 'node:net';

export type WireRequest = {
  method: string;
  /** As it goes over the wire: nothing is normalised. */
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array | undefined;
};
export type WireAnswer = { status: number; contentType: string; text: string };

/** An answer that takes longer than this hangs. */
const ANSWER_TIMEOUT_MS = 20_000;

export interface Wire {
  send(wire: WireRequest): Promise<WireAnswer>;
  /** Sends bytes that need not be HTTP. */
  sendBytes(text: string): Promise<WireAnswer>;
  close(): void;
}

export function openWire(port: number): Wire {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    send: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, method, path, headers, agent };
        const sent = request({ ...options, timeout: ANSWER_TIMEOUT_MS }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () => {
            const contentType = response.headers['content-type'] ?? '';
            resolve({ status: response.statusCode ?? 0, contentType, text });
          });
        });
        sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
        sent.on('error', reject);
        sent.end(body);
      }),
    sendBytes: (bytes) =>
      new Promise((resolve, reject) => {
        let received = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
        socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
        socket.setEncoding('utf8');
        socket.on('data', (chunk) => {
          received += String(chunk);
          const answer = parseAnswer(received);
          if (answer === undefined) return;
          socket.destroy();
          resolve(answer);
        });
        socket.on('error', reject);
        socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(received)}`)));
      }),
    close: () => agent.destroy(),
  };
}

/** Reads one answer once all of it is there. */
function parseAnswer(received: string): WireAnswer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const text = received.slice(end + 4);
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  if (Buffer.byteLength(text) < length) return undefined;
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    contentType: /^content-type: (.+)$/im.exec(head)?.[1] ?? '',
    text,
  };
}
