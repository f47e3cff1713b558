import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type ProviderMood =
  | 'well'
  /** Takes the request, then the line is cut before the answer. */
  | 'cut'
  | 'silent'
  | 'broken'
  | 'garbled'
  | 'refusing';

export type KnownVerification = {
  level: string;
  callbackUrl: string;
  name: string;
  state: 'running' | 'passed' | 'failed';
  reason?: string;
  documentsExpireOn?: string;
};

/** An identity provider that serves the interface of docs/kyc.md, with moods. */
export interface TestProvider {
  readonly url: string;
  readonly apiKey: string;
  mood: ProviderMood;
  /** What it has begun, by our id: once each, however often it was asked. */
  readonly known: Map<string, KnownVerification>;
  /** Every POST that reached it, by its Idempotency-Key. */
  readonly posts: string[];
  close(): Promise<void>;
}

export async function startTestProvider(): Promise<TestProvider> {
  const apiKey = 'test-provider-key';
  const known = new Map<string, KnownVerification>();
  const posts: string[] = [];
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const provider: TestProvider = {
    url: `http://127.0.0.1:${address.port}/kyc`,
    apiKey,
    mood: 'well',
    known,
    posts,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { mood } = provider;
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const isPost = request.method === 'POST';
    if (isPost) posts.push(String(request.headers['idempotency-key']));
    if (mood === 'silent') return;
    if (mood === 'broken') return void response.writeHead(503).end('down');
    if (mood === 'garbled') return void response.writeHead(200).end('<html>');
    if (request.headers.authorization !== `Bearer ${apiKey}`) {
      return void response.writeHead(401).end();
    }
    if (isPost && mood === 'refusing') return void response.writeHead(422).end('{}');
    const id = isPost ? begin(text) : (request.url ?? '').split('/').at(-1);
    if (mood === 'cut') return void request.socket.destroy();
    const one = known.get(id ?? '');
    if (one === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answerOf(id ?? '', one)));
  }

  function begin(text: string): string {
    const body = JSON.parse(text) as {
      id: string;
      level: string;
      callbackUrl: string;
      profile: { names: { text: string }[] };
    };
    const { id, level, callbackUrl, profile } = body;
    const name = profile.names[0]?.text ?? '';
    if (!known.has(id)) known.set(id, { level, callbackUrl, name, state: 'running' });
    return id;
  }

  return provider;
}

/** What it says of a verification, by answer and by callback. */
export function answerOf(id: string, one: KnownVerification) {
  const { state, reason, documentsExpireOn } = one;
  return {
    ...{ reference: `ref-${id}`, state, reason, documentsExpireOn },
    link: `https://provider.example/go/${id}`,
  };
}
