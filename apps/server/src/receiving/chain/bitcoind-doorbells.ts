import { setTimeout as sleep } from 'node:timers/promises';
import { Subscriber } from 'zeromq';
import type { BitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import type { Doorbells } from './chain-source.ts';

export type ZmqEndpoints = { rawtx?: string; hashblock?: string; sequence?: string };

/** The node holds a waitfornewblock call for as long; it answers at once at a new block. */
const BLOCK_POLL_MS = 20_000;
/** Pause after a failed long poll, so that a node that is down is not hammered. */
const RETRY_MS = 1_000;
/** Messages the socket may hold; each publisher's own high-water mark must be as high. */
const HIGH_WATER_MARK = 100_000;

/**
 * Hears the node's pushes: ZMQ rawtx, hashblock and sequence, and a waitfornewblock long poll.
 * Each topic's message numbers are checked; a jump or a new connection is reported as a gap.
 */
export function startBitcoindDoorbells(options: {
  rpc: BitcoinRpc;
  zmq: ZmqEndpoints;
  bells: Doorbells;
}): { stop(): Promise<void> } {
  const { rpc, bells } = options;
  const topicsByEndpoint = new Map<string, string[]>();
  for (const [topic, endpoint] of Object.entries(options.zmq)) {
    if (endpoint === undefined) continue;
    topicsByEndpoint.set(endpoint, [...(topicsByEndpoint.get(endpoint) ?? []), topic]);
  }
  const sockets = [...topicsByEndpoint].map(([endpoint, topics]) =>
    subscribe(endpoint, topics, bells),
  );
  let stopped = false;
  void pollBlocks(rpc, bells, () => stopped);
  return {
    async stop() {
      stopped = true;
      // The long poll ends by itself, at once when its client is closed.
      for (const socket of sockets) socket.close();
    },
  };
}

function subscribe(endpoint: string, topics: readonly string[], bells: Doorbells): Subscriber {
  const socket = new Subscriber({ receiveHighWaterMark: HIGH_WATER_MARK, linger: 0 });
  // At the first connection too: the mempool may have been read before it was up.
  socket.events.on('handshake', () => bells.onGap(`the connection to ${endpoint} is up`));
  socket.connect(endpoint);
  socket.subscribe(...topics);
  void receive(socket, bells);
  return socket;
}

async function receive(socket: Subscriber, bells: Doorbells): Promise<void> {
  const lastNumber = new Map<string, number>();
  while (!socket.closed) {
    try {
      for await (const [topicBytes, body, counter] of socket) {
        if (topicBytes === undefined || body === undefined || counter === undefined) continue;
        const topic = topicBytes.toString('latin1');
        const number = counter.readUInt32LE(0);
        const last = lastNumber.get(topic);
        lastNumber.set(topic, number);
        if (last !== undefined && number !== (last + 1) % 2 ** 32) {
          bells.onGap(`${topic} messages ${last + 1} to ${number - 1} were lost`);
        }
        dispatch(topic, body, bells);
      }
    } catch (error) {
      // Closing the socket ends the loop this way; anything else must not end the listening.
      if (socket.closed) return;
      bells.onGap(`a message could not be read: ${String(error)}`);
      await sleep(RETRY_MS);
    }
  }
}

/** Labels of the "sequence" topic (Bitcoin Core, doc/zmq.md). */
const REMOVED = 'R'.charCodeAt(0);

function dispatch(topic: string, body: Buffer, bells: Doorbells): void {
  if (topic === 'rawtx') bells.onTransaction(Uint8Array.from(body));
  else if (topic === 'hashblock') bells.onBlock();
  else if (topic === 'sequence' && body[32] === REMOVED) {
    bells.onRemoval(body.subarray(0, 32).toString('hex'));
  }
}

async function pollBlocks(
  rpc: BitcoinRpc,
  bells: Doorbells,
  stopped: () => boolean,
): Promise<void> {
  let lastHash: string | undefined;
  while (!stopped()) {
    try {
      const { hash } = await rpc.call<{ hash: string }>(
        'waitfornewblock',
        [BLOCK_POLL_MS],
        undefined,
        {
          timeoutMs: BLOCK_POLL_MS * 2,
        },
      );
      if (hash !== lastHash) bells.onBlock();
      lastHash = hash;
    } catch {
      // The watcher's own calls report what is wrong with the node.
      if (!stopped()) await sleep(RETRY_MS);
    }
  }
}
