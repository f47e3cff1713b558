import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  buildAssets,
  chooseLocale,
  contentSecurityPolicy,
  payMethodOf,
  renderCheckoutPage,
  renderNotFoundPage,
  renderReceiptPage,
} from '@quittance/checkout';
import type { OrderView } from '@quittance/contract';
import { type WebSocket, WebSocketServer } from 'ws';

export interface FixtureServer {
  baseUrl: string;
  /** The views that are served, by order number; a test may change them under way. */
  views: Map<string, OrderView>;
  /** Orders whose `serverTime` is the real time instead of the fixture's. */
  realTime: Set<string>;
  /** Rings the doorbell of all open pages of the order. */
  ring(orderId: string): void;
  /** Cuts the sockets that are open and refuses new ones. */
  refuseSockets(refuse: boolean): void;
  openSockets(): number;
  /** Answers nothing but 503 while true: the server is away. */
  fail(away: boolean): void;
  viewReads(): number;
  close(): Promise<void>;
}

let built: ReturnType<typeof buildAssets> | undefined;

/** The smallest server that serves the pages as the real one does, under the same policy. */
export async function startFixtureServer(): Promise<FixtureServer> {
  built ??= buildAssets();
  const assets = await built;
  const views = new Map<string, OrderView>();
  const realTime = new Set<string>();
  const scriptUrl = `/checkout/main.${assets.script.hash}.js`;
  const styleUrl = `/checkout/main.${assets.style.hash}.css`;
  let refusing = false;
  let away = false;
  let reads = 0;

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fixture');
    if (url.pathname === scriptUrl) return send(response, 'text/javascript', assets.script.body);
    if (url.pathname === styleUrl) return send(response, 'text/css', assets.style.body);
    if (away) return send(response, 'text/plain', 'away', 503);
    const [, , orderId = '', page = ''] = url.pathname.split('/');
    const fixture = views.get(orderId);
    const stored =
      fixture !== undefined && realTime.has(orderId)
        ? { ...fixture, serverTime: new Date().toISOString() }
        : fixture;
    const locale = chooseLocale(
      request.headers['accept-language'],
      url.searchParams.get('lang') ?? undefined,
    );
    if (stored === undefined) {
      return send(response, 'text/html', renderNotFoundPage(locale, styleUrl), 404);
    }
    if (page === 'view') {
      reads++;
      return send(response, 'application/json', JSON.stringify(stored));
    }
    const nonce = randomBytes(16).toString('base64');
    const path = `/i/${orderId}`;
    response.setHeader('content-security-policy', contentSecurityPolicy(stored, nonce));
    const render = page === 'receipt' ? renderReceiptPage : renderCheckoutPage;
    const method = payMethodOf(url.searchParams.get('pay') ?? undefined);
    const html = render(stored, {
      locale,
      ...(method === undefined ? {} : { method }),
      assets: { scriptUrl, styleUrl },
      nonce,
      paths: {
        page: path,
        view: `${path}/view`,
        receipt: `${path}/receipt`,
        socket: `/ws/payment?orderId=${orderId}`,
      },
    });
    return send(response, 'text/html', html);
  });

  const sockets = new WebSocketServer({ noServer: true });
  const orderOf = new Map<WebSocket, string>();
  server.on('upgrade', (request, socket, head) => {
    if (refusing || away) return socket.destroy();
    const orderId = new URL(request.url ?? '/', 'http://fixture').searchParams.get('orderId');
    sockets.handleUpgrade(request, socket, head, (open) => {
      orderOf.set(open, orderId ?? '');
      open.on('close', () => orderOf.delete(open));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cut = () => orderOf.forEach((_, socket) => socket.terminate());
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    views,
    realTime,
    ring(orderId) {
      const view = views.get(orderId);
      for (const [socket, order] of orderOf) {
        if (order !== orderId || view === undefined) continue;
        const { status, version } = view;
        socket.send(JSON.stringify({ orderId, status, timestamp: view.serverTime, version }));
      }
    },
    refuseSockets(refuse) {
      refusing = refuse;
      if (refuse) cut();
    },
    openSockets: () => orderOf.size,
    fail(value) {
      away = value;
      if (value) cut();
    },
    viewReads: () => reads,
    close() {
      cut();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function send(response: ServerResponse, type: string, body: string, status = 200): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
}
