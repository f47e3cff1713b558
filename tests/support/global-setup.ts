import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestProject } from 'vitest/node';
import { startTestPostgres, type TestPostgres } from './test-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for databases. */
    testDatabaseBroker: string;
  }
}

/**
 * One database server for the whole run, started when the first test file asks for a database (runs
 * that need none pay nothing). Test files run in processes of their own, hence a small HTTP service
 * here in the process that outlives them: POST makes a database, DELETE drops it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let postgres: Promise<TestPostgres> | undefined;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    postgres ??= startTestPostgres();
    const server = await postgres;
    if (request.method === 'POST') {
      response.end(await server.createDatabase());
      return;
    }
    let ownerUrl = '';
    for await (const chunk of request.setEncoding('utf8')) ownerUrl += String(chunk);
    await server.dropDatabase(ownerUrl);
    response.end();
  }

  const broker = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
  });
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
  const address = broker.address();
  if (address === null || typeof address === 'string') throw new Error('the broker has no port');
  project.provide('testDatabaseBroker', `http://127.0.0.1:${address.port}/`);
  return async () => {
    broker.closeAllConnections();
    await new Promise((resolve) => broker.close(resolve));
    await (await postgres)?.stop();
  };
}
