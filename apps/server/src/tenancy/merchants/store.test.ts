import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { findMerchant } from './store.ts';

let receiving: Receiving;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

test('what refers to a merchant does not wait while its settings are being changed', async () => {
  const merchantId = await receiving.addMerchant();
  await receiving.database.asTenant(merchantId, async (tx) => {
    await findMerchant(tx, merchantId, true);
    // What a foreign key takes when an order or a key of the merchant is inserted.
    const refers = 'SELECT 1 AS found FROM merchant WHERE id = $1 FOR KEY SHARE NOWAIT';
    expect(await receiving.sql(refers, [merchantId])).toEqual([{ found: 1 }]);
    // Another change does.
    const change = receiving.sql('SELECT 1 FROM merchant WHERE id = $1 FOR NO KEY UPDATE NOWAIT', [
      merchantId,
    ]);
    await expect(change).rejects.toThrow('could not obtain lock');
  });
});
