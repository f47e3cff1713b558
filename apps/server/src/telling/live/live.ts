import websocket from '@fastify/websocket';
import { type Clock, isUuid, type Uuid } from '@quittance/kernel';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Database, Unlisten } from '../../platform/db/index.ts';
import { type Frame, parseFrame } from './frame.ts';
import { defaultLiveLimits, type LiveLimits, makeViewers } from './viewers.ts';

/** Rings when an order changes; the payload is a Frame as JSON. */
export const ORDERS_CHANNEL = 'quittance_orders';

/** Close codes of 4000 and up are the application's (RFC 6455 §7.4.2); these follow HTTP. */
export const CLOSE_MALFORMED = 4400;
export const CLOSE_UNKNOWN_ORDER = 4404;
export const CLOSE_TOO_MANY = 4429;
/** Service restart and try again later (IANA's registry of close codes). */
const CLOSE_RESTART = 1012;
const CLOSE_TRY_LATER = 1013;

/** Viewers have nothing to say; what they send is read and dropped. */
const MAX_MESSAGE_BYTES = 1_024;
/** Reads at once after a gap, so that the database's connections stay free for others. */
const RESYNC_AT_ONCE = 4;
const RETRY_MS = 500;

export type LiveOptions = {
  database: Database;
  clock: Clock;
  /** The present state of an order, or null when there is none. */
  readFrame(orderId: Uuid): Promise<Frame | null>;
  log: { warn(detail: object, message: string): void };
  limits?: Partial<LiveLimits>;
};

/**
 * Serves `/ws/payment?orderId=…`: the present state on connect, then a frame for each change, to any
 * number of viewers. `&version=n` (the last frame that a viewer got before it lost the connection)
 * leaves out the first frame when nothing has changed since. Frames come straight from NOTIFY;
 * after a gap in it the orders that are watched are read again.
 */
export async function registerLive(app: FastifyInstance, options: LiveOptions): Promise<void> {
  const { database, readFrame, log } = options;
  const limits = { ...defaultLiveLimits, ...options.limits };
  const viewers = makeViewers(limits);
  let closed = false;
  let unlisten: Unlisten | undefined;
  let resyncing = false;
  let resyncAgain = false;

  async function welcome(socket: WebSocket, request: FastifyRequest): Promise<void> {
    const query = parseQuery(request.query);
    if (query === undefined) {
      socket.close(CLOSE_MALFORMED, 'orderId must be the id of an order');
      return;
    }
    const viewer = viewers.add(query.orderId, socket, request.ip);
    if (viewer === undefined) {
      socket.close(CLOSE_TOO_MANY, 'too many connections');
      return;
    }
    socket.on('pong', () => {
      viewer.alive = true;
    });
    socket.on('close', () => viewers.remove(viewer));
    try {
      const frame = await readFrame(query.orderId);
      if (frame === null) {
        viewers.remove(viewer);
        socket.close(CLOSE_UNKNOWN_ORDER, 'no such order');
      } else if (frame.version === query.version) {
        viewer.last ??= frame;
      } else {
        viewers.tell(viewer, frame);
      }
    } catch (error) {
      log.warn({ err: error }, 'live: the order can not be read just now');
      viewers.remove(viewer);
      socket.close(CLOSE_TRY_LATER, 'try again shortly');
    }
  }

  /** Reads all watched orders again and sends what changed; once more if a gap came meanwhile. */
  async function resync(): Promise<void> {
    resyncAgain = true;
    if (resyncing) return;
    resyncing = true;
    while (resyncAgain && !closed) {
      resyncAgain = false;
      const orders = viewers.watchedOrders();
      const workers = Array.from({ length: RESYNC_AT_ONCE }, async () => {
        for (let id = orders.pop(); id !== undefined && !closed; id = orders.pop())
          await reread(id);
      });
      await Promise.all(workers);
    }
    resyncing = false;
  }

  async function reread(orderId: Uuid): Promise<void> {
    while (!closed && viewers.isWatched(orderId)) {
      try {
        const frame = await readFrame(orderId);
        if (frame !== null) viewers.broadcast(frame);
        return;
      } catch (error) {
        log.warn({ err: error }, 'live: the order can not be read just now');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  const doorbell = {
    message(payload: string): void {
      const frame = parseFrame(payload);
      if (frame === undefined) log.warn({}, 'live: a notification that is not a frame');
      else viewers.broadcast(frame);
    },
    gap: () => void resync(),
  };
  const pinging = setInterval(viewers.ping, limits.pingEveryMs).unref();
  unlisten = await database.listen(ORDERS_CHANNEL, doorbell);

  app.addHook('preClose', async () => {
    closed = true;
    clearInterval(pinging);
    viewers.closeAll(CLOSE_RESTART, 'the server restarts');
    await unlisten?.();
  });
  await app.register(async (scope) => {
    await scope.register(websocket, {
      options: { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false },
    });
    const config = { access: 'public' } as const;
    scope.get('/ws/payment', { websocket: true, config }, (socket, request) => {
      socket.on('error', () => socket.terminate());
      void welcome(socket, request);
    });
  });
}

function parseQuery(query: unknown): { orderId: Uuid; version: number | undefined } | undefined {
  if (typeof query !== 'object' || query === null || !('orderId' in query)) return undefined;
  const { orderId } = query;
  if (typeof orderId !== 'string' || !isUuid(orderId)) return undefined;
  if (!('version' in query)) return { orderId, version: undefined };
  const { version } = query;
  if (typeof version !== 'string' || !/^[0-9]{1,9}$/.test(version)) return undefined;
  return { orderId, version: Number(version) };
}
