import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bolt11Fields, encodeBolt11 } from '@quittance/bitcoin';
import { fromHex } from '@quittance/kernel';
import {
  openOutboundReader,
  type OutboundReader,
  type ReadLimits,
  type UrlPolicy,
} from '../../../platform/outbound/index.ts';

export const NOW_MS = Date.UTC(2026, 0, 15);
export const SERVICE_KEY = fromHex('41'.repeat(32));

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;
export type Tls = { readonly key: string; readonly cert: string };
export type Service = {
  /** The port is chosen by the system. */
  readonly port: number;
  readonly asked: string[];
  close(): Promise<void>;
};

/** A server of a Lightning address, honest or not. It listens on this machine. */
export async function startService(answer: Answer, tls?: Tls): Promise<Service> {
  const asked: string[] = [];
  const listener: Answer = (request, response) => {
    asked.push(request.url ?? '');
    response.on('error', () => {});
    answer(request, response);
  };
  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Names that the tests' resolver knows; all lead to this machine. Only the first may. */
export const OPEN_HOST = 'shop.example';
export const INNER_HOST = 'inner.example';

/** A reader for which only OPEN_HOST may be on this machine, as only a public server may else. */
export function testReader(
  options: { policy?: UrlPolicy; ca?: string; limits?: Partial<ReadLimits> } = {},
): OutboundReader {
  return openOutboundReader({
    policy: options.policy ?? { allowInsecureHttp: true, privateHosts: [OPEN_HOST] },
    limits: { connectMs: 5_000, totalMs: 10_000, ...options.limits },
    ca: options.ca,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  });
}

export const METADATA = JSON.stringify([
  ['text/plain', 'For Alice'],
  ['text/identifier', 'alice@shop.example'],
]);

export function payRequest(port: number, more: object = {}): object {
  return {
    tag: 'payRequest',
    callback: `http://${OPEN_HOST}:${port}/callback?id=1`,
    minSendable: 1_000,
    maxSendable: 100_000_000,
    metadata: METADATA,
    commentAllowed: 20,
    ...more,
  };
}

/** The invoice that an honest service would give for this amount. */
export function invoiceFor(amountMsat: bigint | null, more: Partial<Bolt11Fields> = {}): string {
  const fields: Bolt11Fields = {
    network: 'regtest',
    amountMsat,
    createdAtMs: NOW_MS - 1_000,
    paymentHash: 'ab'.repeat(32),
    paymentSecret: 'cd'.repeat(32),
    description: { sha256: createHash('sha256').update(METADATA).digest('hex') },
    expirySeconds: 600,
    ...more,
  };
  return encodeBolt11(fields, SERVICE_KEY);
}

/** A service that answers both questions with these objects. */
export function answering(
  first: (port: number) => unknown,
  second: (amountMsat: bigint, query: URLSearchParams) => unknown,
): Answer {
  return (request, response) => {
    const url = new URL(request.url ?? '', 'http://nowhere');
    const port = request.socket.localPort ?? 0;
    const isCallback = url.pathname === '/callback';
    const amount = BigInt(url.searchParams.get('amount') ?? '0');
    const body = isCallback ? second(amount, url.searchParams) : first(port);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** A certificate for OPEN_HOST that nobody trusts by itself; null where there is no openssl. */
export function makeCertificate(): Tls | null {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    args.push('-subj', `/CN=${OPEN_HOST}`, '-addext', `subjectAltName=DNS:${OPEN_HOST}`);
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
