import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';

/** Where a store has identities verified. Both secrets are sealed under the server's key. */
export type StoredProvider = {
  merchantId: Uuid;
  url: string;
  enabled: boolean;
  sealedApiKey: Uint8Array;
  sealedCallbackSecret: Uint8Array;
  updatedBy: string;
  updatedAt: Date;
};

export async function findProvider(tx: Tx, merchantId: Uuid): Promise<StoredProvider | undefined> {
  return await tx.maybe<StoredProvider>(
    `SELECT merchant_id AS "merchantId", url, enabled, sealed_api_key AS "sealedApiKey",
            sealed_callback_secret AS "sealedCallbackSecret", updated_by AS "updatedBy",
            updated_at AS "updatedAt"
       FROM customer_provider WHERE merchant_id = $1`,
    [merchantId],
  );
}

export async function writeProvider(tx: Tx, provider: StoredProvider): Promise<void> {
  await tx.query(
    `INSERT INTO customer_provider (merchant_id, url, enabled, sealed_api_key,
            sealed_callback_secret, updated_by, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (merchant_id) DO UPDATE
        SET url = excluded.url, enabled = excluded.enabled,
            sealed_api_key = excluded.sealed_api_key,
            sealed_callback_secret = excluded.sealed_callback_secret,
            updated_by = excluded.updated_by, updated_at = excluded.updated_at`,
    [
      provider.merchantId,
      provider.url,
      provider.enabled,
      provider.sealedApiKey,
      provider.sealedCallbackSecret,
      provider.updatedBy,
      provider.updatedAt,
    ],
  );
}
