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

/** As bytes, so that this process has next to nothing to collect while it is asked; a node has no such pauses. */
const kept = new Map<string, Buffer>();

function answer({ id, method, params }: Call): Buffer[] {
  const question = `${method} ${params.join(' ')}`;
  let bytes = kept.get(question);
  if (bytes === undefined) {
    if (kept.size >= MAX_KEPT) kept.clear();
    bytes = Buffer.from(textOf(answerOf(method, params)).slice(1));
    kept.set(question, bytes);
  }
  return [Buffer.from(`{"jsonrpc":"2.0","id":${id},`), bytes];
}

const [OPEN, COMMA, CLOSE] = [Buffer.from('['), Buffer.from(','), Buffer.from(']')];

function answers(calls: readonly Call[]): Buffer[] {
  return [
    OPEN,
    ...calls.flatMap((call, i) => (i === 0 ? answer(call) : [COMMA, ...answer(call)])),
    CLOSE,
  ];
}

const server = createServer((request, response) => {
  void text(request).then((body) => {
    // Only the bench asks here, by the product's own client.
    const asked = JSON.parse(body) as Call | Call[];
    const said = Buffer.concat(Array.isArray(asked) ? answers(asked) : answer(asked));
    const head = { 'content-type': 'application/json', 'content-length': said.length };
    response.writeHead(200, head).end(said);
  });
});
server.listen(0, '127.0.0.1', () => {
  // An address that is no socket's file.
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on('disconnect', () => process.exit(0));
