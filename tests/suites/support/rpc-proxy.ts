import { createServer } from 'node:http';

type Reply = { id: unknown; result: unknown; error: unknown };
/** Edits the result of a call, or gives it back as it is. */
export type Edit = (method: string, result: unknown) => unknown;

/** A node in front of the node: passes every call on and edits answers, so that it tells lies. */
export async function startRpcProxy(
  targetUrl: string,
  edit: Edit,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    async function pass(): Promise<void> {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const { authorization = '' } = request.headers;
      const answer = await fetch(targetUrl + (request.url ?? '/'), {
        method: request.method ?? 'POST',
        headers: { authorization },
        ...(body.length === 0 ? {} : { body }),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'application/json',
      });
      response.end(request.method === 'POST' ? rewrite(body, bytes, edit) : bytes);
    }
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A batch is answered in any order: calls and answers meet by id. */
function rewrite(requestBody: Buffer, bytes: Buffer, edit: Edit): string {
  type Call = { id: unknown; method: string };
  const asked = JSON.parse(requestBody.toString()) as Call | Call[];
  const given = JSON.parse(bytes.toString()) as Reply | Reply[];
  const methods = new Map([asked].flat().map(({ id, method }) => [id, method]));
  const one = (reply: Reply): Reply =>
    reply.error === null || reply.error === undefined
      ? { ...reply, result: edit(methods.get(reply.id) ?? '', reply.result) }
      : reply;
  return JSON.stringify(Array.isArray(given) ? given.map(one) : one(given));
}
