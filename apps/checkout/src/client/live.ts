import type { OrderView } from '@quittance/contract';

/** What `followOrder` needs of the browser; passed in so that a test can turn it by hand. */
export interface LiveWorld {
  /** Reads the order's view; rejects when the server can't be reached. */
  readView(): Promise<OrderView>;
  /** Opens the doorbell and tells when it rings and when it is gone. Returns how to close it. */
  openSocket(on: {
    open(): void;
    ring(version: number | undefined): void;
    close(): void;
  }): () => void;
  /** Runs `task` later; returns how to cancel it. */
  after(ms: number, task: () => void): () => void;
  /** From 0 to 1, so that a thousand pages do not come back in the same instant. */
  random(): number;
}

export interface LiveListener {
  view(view: OrderView): void;
  /** Several attempts in a row have failed (false), or one has worked (true). */
  reachable(yes: boolean): void;
}

export interface Live {
  /**
   * Asks now and starts the back-off anew. `reconnect` also replaces an open socket: after sleep or
   * a change of network it may be dead without having been told.
   */
  wake(how: { reconnect: boolean }): void;
  stop(): void;
}

/** Without a socket: first question after this, in milliseconds, and then ever more rarely. */
const FIRST_POLL_MS = 3_000;
/** Rarest polling while something may still happen: a payer looks at the page and waits. */
const SLOWEST_POLL_MS = 30_000;
/** With a socket, or once the order is settled, asking is only a safety net. */
const SAFETY_POLL_MS = 60_000;
const SETTLED_POLL_MS = 5 * 60_000;
const GROWTH = 1.5;
const FIRST_RECONNECT_MS = 1_000;
const SLOWEST_RECONNECT_MS = 30_000;
/** One lost request is nothing to tell a person about; two are. */
const FAILURES_TO_TELL = 2;

/**
 * Keeps a page up to date: a socket rings, the page reads. When the socket fails, the page polls
 * with back-off, and tries the socket again at its own pace. An answer older than what is shown is
 * dropped, so answers may arrive in any order.
 */
export function followOrder(
  first: OrderView,
  world: LiveWorld,
  listener: LiveListener,
  isSettled: (view: OrderView) => boolean,
): Live {
  let shown = first;
  let socketOpen = false;
  let reading = false;
  let readAgain = false;
  let failures = 0;
  let stopped = false;
  let pollMs = FIRST_POLL_MS;
  let reconnectMs = FIRST_RECONNECT_MS;
  let cancelPoll = () => {};
  let cancelReconnect = () => {};
  let closeSocket = () => {};

  function schedulePoll(): void {
    cancelPoll();
    if (stopped) return;
    const usual = isSettled(shown) ? SETTLED_POLL_MS : socketOpen ? SAFETY_POLL_MS : pollMs;
    const delay = failures > 0 ? pollMs : usual;
    cancelPoll = world.after(jitter(delay), () => {
      pollMs = Math.min(pollMs * GROWTH, SLOWEST_POLL_MS);
      read();
    });
  }

  function read(): void {
    if (stopped) return;
    // One question at a time; a ring during it means one more afterwards, not one for each ring.
    if (reading) {
      readAgain = true;
      return;
    }
    reading = true;
    cancelPoll();
    world
      .readView()
      .then(succeed, fail)
      .finally(() => {
        reading = false;
        if (readAgain) {
          readAgain = false;
          read();
        } else schedulePoll();
      });
  }

  function succeed(view: OrderView): void {
    if (stopped) return;
    listener.reachable(true);
    failures = 0;
    if (isOlder(view, shown)) return;
    if (view.version !== shown.version) pollMs = FIRST_POLL_MS;
    shown = view;
    listener.view(view);
  }

  function fail(): void {
    failures++;
    if (failures === FAILURES_TO_TELL) listener.reachable(false);
  }

  function connect(): void {
    cancelReconnect();
    if (stopped) return;
    closeSocket();
    socketOpen = false;
    let gone = false;
    closeSocket = world.openSocket({
      open() {
        socketOpen = true;
        reconnectMs = FIRST_RECONNECT_MS;
        // Something may have happened between the page's data and the first ring.
        read();
      },
      ring(version) {
        // The same version again: a confirmation, which changes nothing that is stored.
        if (version === undefined || version >= shown.version) read();
      },
      close() {
        if (gone) return;
        gone = true;
        socketOpen = false;
        schedulePoll();
        cancelReconnect = world.after(jitter(reconnectMs), connect);
        reconnectMs = Math.min(reconnectMs * 2, SLOWEST_RECONNECT_MS);
      },
    });
  }

  function jitter(ms: number): number {
    return Math.round(ms * (0.8 + 0.4 * world.random()));
  }

  connect();
  schedulePoll();
  return {
    wake({ reconnect }) {
      pollMs = FIRST_POLL_MS;
      reconnectMs = FIRST_RECONNECT_MS;
      read();
      if (reconnect || !socketOpen) connect();
    },
    stop() {
      stopped = true;
      cancelPoll();
      cancelReconnect();
      closeSocket();
    },
  };
}

function isOlder(answer: OrderView, shown: OrderView): boolean {
  if (answer.version !== shown.version) return answer.version < shown.version;
  return Date.parse(answer.serverTime) < Date.parse(shown.serverTime);
}
