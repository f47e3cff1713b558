import { connect, createServer, type Socket } from 'node:net';

/** Stands between the program and a server, and sees and may change or hold up what passes. */
export type Wire = {
  /** The server's address by way of the wire. */
  readonly url: string;
  /** What goes on to the server of what the program sent; `answers` is the server's side. */
  toServer: (bytes: Buffer, answers: Socket) => Buffer;
  close(): void;
};

export async function openWire(serverUrl: string): Promise<Wire> {
  const { port, hostname } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.on('data', (bytes) => far.write(wire.toServer(bytes, far)));
    far.pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(serverUrl);
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  const wire: Wire = {
    url: url.href,
    toServer: (bytes) => bytes,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return wire;
}
