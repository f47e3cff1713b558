import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  readFromNode,
  SHIPPED_RISK_CONFIG,
  trace,
} from '../../apps/server/src/compliance/risk/index.ts';
import { createBitcoinRpc } from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { answerOf, textOf, txidOf } from './simulated-chain.ts';

/**
 * A process that answers as a node would over HTTP, out of `simulated-chain.ts`: the wire, the JSON and
 * its size are a node's. Before a payment is decided about, this process follows its coins itself, so that
 * the answers are there and their making is not measured; what a node needs to find a transaction on
 * its disk is not either. Nor is the collecting of this process's garbage, which a node has none of.
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
  const url = `http://127.0.0.1:${port}`;
  const rpc = createBitcoinRpc({ url, user: 'bench', password: 'bench' });
  const read = readFromNode({ node: rpc, network: 'regtest', readRecord: async () => new Map() });
  process.on('message', (said) => {
    // The bench sends nothing else.
    void prepare(read, (said as { prepare: number }).prepare).then(() => process.send?.('ready'));
  });
  process.send?.({ url });
});
process.on('disconnect', () => process.exit(0));

/** What is left after so many payments is collected as a whole; in between, what is new. */
const WHOLE_EVERY = 100;

/** Asks about a payment what will be asked, so that the answers are there. */
async function prepare(read: ReturnType<typeof readFromNode>, n: number): Promise<void> {
  kept.clear();
  const [own] = await read([{ txid: txidOf({ n, at: 1 }), height: null }]);
  if (own?.ok !== true) throw new Error('the simulated node knows every payment');
  const { hops, maxTransactions, peelChain } = SHIPPED_RISK_CONFIG;
  const limits = { hops, maxTransactions, peels: peelChain.minLength };
  await trace(own.transaction, read, { limits, stopAt: () => false });
  // Started with --expose-gc.
  globalThis.gc?.({ type: n % WHOLE_EVERY === 0 ? 'major' : 'minor' });
}
