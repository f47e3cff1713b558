import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerOf, textOf } from './simulated-chain.ts';

/**
 * A process that answers as a node would over HTTP, out of `simulated-chain.ts`: the wire, the JSON and
 * its size are a node's. What is asked a second time is answered out of memory, so that the making of
 * the answers is not measured; what a node needs to find a transaction on its disk is not either. Nor is
 * the collecting of this process's garbage, which a node has none of: it is done when the bench says so.
 */

type Call = { id: number; method: string; params: unknown[] };

/** Answers about one payment, as bytes: to send them leaves next to nothing to collect. */
const kept = new Map<string, Buffer>();

function answer({ id, method, params }: Call): Buffer[] {
  const question = `${method} ${params.join(' ')}`;
  let bytes = kept.get(question);
  if (bytes === undefined) {
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
/** What is left after so many payments is collected as a whole; in between, what is new. */
const WHOLE_EVERY = 100;
let payments = 0;
process.on('message', (said) => {
  // Started with --expose-gc.
  if (said === 'collect') globalThis.gc?.({ type: 'minor' });
  else {
    kept.clear();
    payments += 1;
    // Before the bench asks in advance, which warms up what a whole collection has thrown away.
    if (payments % WHOLE_EVERY === 0) globalThis.gc?.();
  }
  process.send?.({ done: true });
});
process.on('disconnect', () => process.exit(0));
