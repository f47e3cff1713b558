import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, createClient, KeyError } from '@quittance/client';
import { z } from 'zod';
import type { Database } from '../../platform/db/index.ts';
import { fixedRateRule } from '../../receiving/rates/index.ts';
import { createAdminKey } from '../../tenancy/keys/index.ts';
import { untilSignerListens } from '../../platform/embedded/signer.ts';
import { DemoError } from './errors.ts';
import { HOT_WALLET, type HotWallet } from './hot-wallet.ts';
import { clock, ids, random } from './server.ts';

/** The demo's merchant, seen from outside: what a shop that integrates has. */
export type DemoStore = {
  merchantId: string;
  apiKey: string;
  client: Client;
  /** Made by this start, not by an earlier one with the same data folder. */
  isNew: boolean;
};

const storeFileSchema = z.object({ merchantId: z.uuid(), apiKey: z.string() });

const NAME = 'Corner Coffee';
const COLOR = '#b4552d';
/** The server gives up on a shop after two more tries; the demo's own calls need no patience. */
const MAX_RETRIES = 2;
/** It unlocks its vault in a moment; a busy machine needs longer. */
const SIGNER_DEADLINE_MS = 30_000;

/** Makes the merchant through the API, or finds the one that an earlier start has made. */
export async function openStore(options: {
  folder: string;
  baseUrl: string;
  database: Database;
  hotWallet: HotWallet;
}): Promise<DemoStore> {
  const file = join(options.folder, 'store.json');
  const known = existsSync(file)
    ? storeFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    : undefined;
  if (known !== undefined) {
    const client = clientOf(options.baseUrl, known.apiKey);
    if (await isAccepted(client)) return { ...known, client, isNew: false };
  }
  const admin = await createAdminKey(options.database, { clock, ids, random }, 'demo');
  const { merchant, apiKey } = await clientOf(options.baseUrl, admin.secret).merchants.create({
    name: NAME,
    descriptor: options.hotWallet.descriptor,
    settings: { storeName: NAME, color: COLOR, rateRule: fixedRateRule },
  });
  const made = { merchantId: merchant.id, apiKey: apiKey.secret };
  const client = clientOf(options.baseUrl, made.apiKey);
  await nameSigner(client, options.hotWallet);
  writeFileSync(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return { ...made, client, isNew: true };
}

/** Says that the signer has the wallet's keys, so that refunds and payouts can be paid from it. */
async function nameSigner(client: Client, { place, descriptor }: HotWallet): Promise<void> {
  if (!(await untilSignerListens(place, SIGNER_DEADLINE_MS))) {
    throw new DemoError('the signer does not listen');
  }
  await client.wallets.add(descriptor, { signerWallet: HOT_WALLET });
}

function clientOf(baseUrl: string, apiKey: string): Client {
  return createClient({ baseUrl, apiKey, maxRetries: MAX_RETRIES });
}

/** The key of another database, for example of one that was removed, is no key here. */
async function isAccepted(client: Client): Promise<boolean> {
  try {
    await client.merchant.read();
    return true;
  } catch (error) {
    if (error instanceof KeyError) return false;
    throw error;
  }
}
