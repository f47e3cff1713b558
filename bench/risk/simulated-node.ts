import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerOf, textOf } from './simulated-chain.ts';

/**
 * A process that answers as a node would over HTTP, out of `simulated-chain.ts`: the wire, the JSON and
 * its size are a node's, what a node needs to find a transaction on its disk is not in it.
 */

type Call = { id: number; method: string; params: unknown[] };

const answer = ({ id, method, params }: Call): string =>
  textOf({ jsonrpc: '2.0', id, ...answerOf(method, params) });

const server = createServer((request, response) => {
  void text(request).then((body) => {
    // Only the bench asks here, by the product's own client.
    const asked = JSON.parse(body) as Call | Call[];
    const said = Array.isArray(asked) ? `[${asked.map(answer).join(',')}]` : answer(asked);
    const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(said) };
    response.writeHead(200, head).end(said);
  });
});
server.listen(0, '127.0.0.1', () => {
  // An address that is no socket's file.
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on('disconnect', () => process.exit(0));
