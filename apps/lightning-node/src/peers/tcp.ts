import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import * as ldk from 'lightningdevkit';
import { forgetReference } from '../ldk/bindings.ts';
import type { Gate } from '../state/gate.ts';

/** LDK is told to wait when so much is on its way to one peer, and to go on below the other. */
const HIGH_WATER_BYTES = 256 * 1024;
const LOW_WATER_BYTES = 64 * 1024;
/** A peer on this machine accepts at once or is not there. */
const CONNECT_TIMEOUT_MS = 5_000;

export interface PeerTransport {
  /** @returns the port that it listens on */
  listen(host: string, port: number): Promise<number>;
  /** Resolves when the TCP connection stands; the handshake comes after. */
  connect(host: string, port: number, nodeId: Uint8Array): Promise<void>;
  /** Ends all connections and takes no new ones until `listen` is called again. */
  close(): Promise<void>;
}

/**
 * Carries LDK's bytes over TCP. All that goes out waits behind the gate; a peer therefore never
 * sees a commitment that this process could forget.
 */
export function createTransport(options: {
  manager: ldk.PeerManager;
  gate: Gate;
  wake: () => void;
  /** Runs what calls into LDK, so that a trap there ends the process. */
  enter: <T>(run: () => T) => T;
}): PeerTransport {
  const { manager, gate, wake, enter } = options;
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let lastId = 0n;

  function attach(socket: Socket): ldk.SocketDescriptor {
    const id = ++lastId;
    let queued = 0;
    let isBlocked = false;
    let isOver = false;
    sockets.add(socket);
    socket.setNoDelay(true);

    function unblock(): void {
      if (!isBlocked || isOver || queued + socket.writableLength > LOW_WATER_BYTES) return;
      isBlocked = false;
      if (!enter(() => manager.write_buffer_space_avail(descriptor)).is_ok()) socket.destroy();
      wake();
    }

    const descriptor = ldk.SocketDescriptor.new_impl({
      send_data(data: Uint8Array, resumeRead: boolean): number {
        if (socket.destroyed) return 0;
        if (resumeRead) socket.resume();
        if (isBlocked) return 0;
        queued += data.length;
        gate.after(() => {
          queued -= data.length;
          if (!socket.destroyed) socket.write(data);
          if (isBlocked) setImmediate(unblock);
        });
        isBlocked = queued + socket.writableLength > HIGH_WATER_BYTES;
        return data.length;
      },
      disconnect_socket: () => gate.after(() => socket.destroySoon()),
      eq: (other: ldk.SocketDescriptor) => other.hash() === id,
      hash: () => id,
    });

    socket.on('drain', unblock);
    socket.on('data', (bytes: Buffer) => {
      if (isOver) return;
      const read = enter(() => manager.read_event(descriptor, bytes));
      if (!(read instanceof ldk.Result_boolPeerHandleErrorZ_OK)) socket.destroy();
      else if (read.res) socket.pause();
      wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      isOver = true;
      sockets.delete(socket);
      enter(() => manager.socket_disconnected(descriptor));
      forgetReference(manager, descriptor);
      wake();
    });
    return descriptor;
  }

  function welcome(socket: Socket): void {
    const descriptor = attach(socket);
    const none = ldk.Option_SocketAddressZ.constructor_none();
    if (!enter(() => manager.new_inbound_connection(descriptor, none)).is_ok()) socket.destroy();
    wake();
  }

  return {
    listen(host, port) {
      return new Promise((resolve, reject) => {
        const next = createServer(welcome);
        next.once('error', reject);
        next.listen(port, host, () => {
          server = next;
          const address = next.address();
          resolve(typeof address === 'object' && address !== null ? address.port : port);
        });
      });
    },
    connect(host, port, nodeId) {
      return new Promise((resolve, reject) => {
        const socket = connectSocket({ host, port });
        const timer = setTimeout(
          () => socket.destroy(new Error('it does not answer')),
          CONNECT_TIMEOUT_MS,
        );
        socket.once('error', reject);
        socket.once('close', () => clearTimeout(timer));
        socket.once('connect', () => {
          clearTimeout(timer);
          const descriptor = attach(socket);
          const none = ldk.Option_SocketAddressZ.constructor_none();
          const opened = enter(() => manager.new_outbound_connection(nodeId, descriptor, none));
          if (!(opened instanceof ldk.Result_CVec_u8ZPeerHandleErrorZ_OK)) {
            socket.destroy();
            reject(new Error('a connection with this peer is there already'));
            return;
          }
          gate.after(() => socket.write(opened.res));
          wake();
          resolve();
        });
      });
    },
    async close() {
      const closing = server;
      server = undefined;
      enter(() => manager.disconnect_all_peers());
      for (const socket of sockets) socket.destroy();
      if (closing !== undefined) await new Promise((resolve) => closing.close(resolve));
    },
  };
}
