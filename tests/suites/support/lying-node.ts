import { createServer } from 'node:http';

/** What happens to a transaction that is sent to the node. */
export type Fate =
  /** Passed on, and the answer is given back. */
  | 'honest'
  /** Passed on, and no answer comes: whoever asked can not know. */
  | 'swallowed'
  /** Not passed on, and no answer comes. */
  | 'lost'
  /** Not passed on; answered as a node does whose mempool has no room at this fee. */
  | 'refused';

export type NodeLies = {
  readonly url: string;
  fate: Fate;
  readonly told: Record<Exclude<Fate, 'honest'>, number>;
  close(): Promise<void>;
};

type Call = { id: unknown; method: string };
const BROADCASTS: ReadonlySet<string> = new Set(['sendrawtransaction', 'submitpackage']);
/** RPC_VERIFY_REJECTED of Bitcoin Core's src/rpc/protocol.h. */
const REJECTED = -26;

/** A node in front of the node that at times mistreats what is broadcast; all else is passed on. */
export async function startLyingNode(targetUrl: string): Promise<NodeLies> {
  const told = { swallowed: 0, lost: 0, refused: 0 };
  const lies = { fate: 'honest' as Fate };
  const server = createServer((request, response) => {
    async function pass(): Promise<void> {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const isBroadcast = request.method === 'POST' && broadcasts(body);
      const fate = isBroadcast ? lies.fate : 'honest';
      if (fate !== 'honest') told[fate] += 1;
      if (fate === 'refused') {
        const error = { code: REJECTED, message: 'mempool min fee not met, 123 < 456' };
        const asked = JSON.parse(body.toString()) as Call | Call[];
        const refuse = ({ id }: Call) => ({ result: null, error, id });
        // A batch has its answers one by one, and the whole is well.
        const isBatch = Array.isArray(asked);
        response.writeHead(isBatch ? 200 : 500, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isBatch ? asked.map(refuse) : refuse(asked)));
        return;
      }
      if (fate === 'lost') {
        response.destroy();
        return;
      }
      const { authorization = '' } = request.headers;
      const answer = await fetch(targetUrl + (request.url ?? '/'), {
        method: request.method ?? 'POST',
        headers: { authorization },
        ...(body.length === 0 ? {} : { body }),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (fate === 'swallowed') {
        response.destroy();
        return;
      }
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'application/json',
      });
      response.end(bytes);
    }
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    get fate() {
      return lies.fate;
    },
    set fate(fate) {
      lies.fate = fate;
    },
    told,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function broadcasts(body: Buffer): boolean {
  const calls = [JSON.parse(body.toString()) as Call | Call[]].flat();
  return calls.some(({ method }) => BROADCASTS.has(method));
}
