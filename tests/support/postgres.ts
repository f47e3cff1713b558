import { inject } from 'vitest';

export interface TestDatabase {
  /** Connects as the owner; every migration has been applied. */
  ownerUrl: string;
  drop(): Promise<void>;
}

/** A fresh, migrated database on the run's one server. Call it once for each test file. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const broker = inject('testDatabaseBroker');
  const ownerUrl = await ask(broker, { method: 'POST' });
  return {
    ownerUrl,
    async drop() {
      await ask(broker, { method: 'DELETE', body: ownerUrl });
    },
  };
}

async function ask(url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`the tests' database server: ${text}`);
  return text;
}
