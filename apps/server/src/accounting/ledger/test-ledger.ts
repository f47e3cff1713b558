import { randomUUID } from 'node:crypto';
import type { Uuid } from '@quittance/kernel';
import pg from 'pg';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { paymentConfirmed } from './templates/payment-confirmed.ts';
import { type PaymentArgs, paymentSeen } from './templates/payment-seen.ts';
import type { Transfer } from './transfer.ts';

export interface TestLedger {
  database: Database;
  urls: { ownerUrl: string; appUrl: string; systemUrl: string };
  /** One statement or many, as whom the URL says; the connection is closed after. */
  run(url: string, ...statements: (string | [string, unknown[]])[]): Promise<pg.QueryResult[]>;
  close(): Promise<void>;
}

/** Opens a migrated database that the test file has to itself. */
export function openTestLedger(from: { ownerUrl: string; drop(): Promise<void> }): TestLedger {
  const { ownerUrl } = from;
  const urls = { ownerUrl, ...roleUrls(ownerUrl) };
  const database = openDatabase({ ...urls, maxSystemConnections: 16 });
  return {
    database,
    urls,
    async run(url, ...statements) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        const results: pg.QueryResult[] = [];
        for (const statement of statements) {
          const [text, values] = typeof statement === 'string' ? [statement, []] : statement;
          results.push(await client.query(text, values));
        }
        return results;
      } finally {
        await client.end();
      }
    },
    async close() {
      await database.close();
      await from.drop();
    },
  };
}

export const START_MS = 1_760_000_000_000;

export function newUuid(): Uuid {
  return randomUUID();
}

/** What a template about a payment takes, with whatever does not matter filled in. */
export function paymentArgs(merchantId: Uuid, more: Partial<PaymentArgs> = {}): PaymentArgs {
  return {
    merchantId,
    paymentId: newUuid(),
    orderId: newUuid(),
    epoch: 0,
    amountSats: 1_000n,
    atMs: START_MS,
    ...more,
  };
}

/** A payment that came and was confirmed: two transfers. */
export function receipt(args: PaymentArgs): Transfer[] {
  return [paymentSeen(args), paymentConfirmed(args)];
}
