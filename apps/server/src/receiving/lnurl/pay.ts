import { lightningAddressName } from '@quittance/contract';
import { isUuid, type Msats, type Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import {
  hostOf,
  type LightningAddress,
  metadataOf,
  type PayRequest,
  payRequest,
  readPayWish,
} from './lightning-address.ts';
import { findAddress } from './store.ts';

/** An invoice that a payer asked for, as wallets ask about it later (LUD-21). */
export type LnurlInvoice = {
  readonly bolt11: string;
  readonly settled: boolean;
  readonly preimage: string | null;
};

/** How invoices are made: by the store's node (receiving/lightning). */
export type LnurlInvoices = {
  /**
   * @returns null where the store has no node that can, or it does not answer
   */
  create(request: {
    merchantId: Uuid;
    amountMsat: Msats;
    description: string;
    /** Of the address; the invoice has its hash (LUD-06). */
    metadataText: string;
    expirySeconds: number;
    /** Kept with the invoice, and told with its payment. */
    metadata: Record<string, string>;
  }): Promise<{ id: Uuid; bolt11: string } | null>;
  /** Of purpose `lnurl` only; undefined when there is none. */
  read(id: Uuid): Promise<LnurlInvoice | undefined>;
};

export type PayDeps = {
  database: Pick<Database, 'asPublic'>;
  publicUrl: string;
  invoices: LnurlInvoices;
};

export type Refused = { ok: false; reason: string };

/** A wallet asks and pays in one go. */
const INVOICE_LIFE_SECONDS = 600;
const UNKNOWN: Refused = { ok: false, reason: 'There is no such Lightning address.' };
const UNAVAILABLE: Refused = {
  ok: false,
  reason: 'This address can not be paid now. Try again later.',
};

/** What an address takes (LUD-16). */
export async function describeAddress(
  deps: PayDeps,
  name: string,
): Promise<{ ok: true; request: PayRequest } | Refused> {
  const address = await findEnabled(deps, name);
  if (address === undefined) return UNKNOWN;
  return { ok: true, request: payRequest(address, deps) };
}

/**
 * Makes an invoice for a payer (LUD-06). It belongs to no order and takes no address of the chain:
 * whoever likes can ask for any number of them, and must not be able to use up the store's.
 */
export async function requestInvoice(
  deps: PayDeps,
  asked: { name: string; amount: string | undefined; comment: string | undefined },
): Promise<{ ok: true; bolt11: string; verifyUrl: string } | Refused> {
  const address = await findEnabled(deps, asked.name);
  if (address === undefined) return UNKNOWN;
  const read = readPayWish(address, asked);
  if (!read.ok) return read;
  const { amountMsat, comment } = read.wish;
  const { merchantId, id, name, description } = address;
  const made = await deps.invoices.create({
    ...{ merchantId, amountMsat, description },
    metadataText: metadataOf(address, hostOf(deps.publicUrl)),
    expirySeconds: INVOICE_LIFE_SECONDS,
    metadata: {
      ...{ lightningAddressId: id, lightningAddress: `${name}@${hostOf(deps.publicUrl)}` },
      ...(comment === null ? {} : { comment }),
    },
  });
  if (made === null) return UNAVAILABLE;
  return { ok: true, bolt11: made.bolt11, verifyUrl: `${deps.publicUrl}/lnurl/verify/${made.id}` };
}

/** Tells whether an invoice is paid (LUD-21). */
export async function verifyInvoice(
  { invoices }: PayDeps,
  id: string,
): Promise<LnurlInvoice | undefined> {
  return isUuid(id) ? await invoices.read(id) : undefined;
}

async function findEnabled(
  { database }: PayDeps,
  name: string,
): Promise<LightningAddress | undefined> {
  // LUD-16 knows small letters only, but people write as they like.
  const read = lightningAddressName.safeParse(name.toLowerCase());
  if (!read.success) return undefined;
  const found = await database.asPublic((tx) => findAddress(tx, read.data));
  return found?.enabled === true ? found : undefined;
}
