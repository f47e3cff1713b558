import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerOf, textOf } from './simulated-chain.ts';

/**
 * A process that answers as a node would over HTTP, out of `simulated-chain.ts`: the wire, the JSON and
 * its size are a node's. What is asked a second time is answered out of memory, so that the making of
 * the answers is not measured; what a node needs to find a transaction on its disk is not either.
 */

/** More than a few payments' answers; those of older ones are not asked for again. */
const MAX_KEPT = 2_000;

type Call = { id: number; method: string; params: unknown[] };

const kept = new Map<string, string>();

function answer({ id, method, params }: Call): string {
  const question = `${method} ${params.join(' ')}`;
  let text = kept.get(question);
  if (text === undefined) {
    if (kept.size >= MAX_KEPT) kept.clear();
    text = textOf(answerOf(method, params)).slice(1);
    kept.set(question, text);
  }
  return `{"jsonrpc":"2.0","id":${id},${text}`;
}

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
