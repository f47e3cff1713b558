import { createHash } from 'node:crypto';
import { type AddCustomerDocument, MAX_DOCUMENT_BYTES } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { endOfDay } from './calendar.ts';
import { mediaTypeOf, type StoredDocument } from './document.ts';
import { countDocuments, findDocument, insertDocument } from './document-store.ts';
import { lockFamily, note, ownOf } from './family.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { type OwnCustomer, readCustomer } from './store.ts';
import { erased, openVault } from './vault.ts';

/** Some versions of some papers; an archive is kept elsewhere. */
const MAX_DOCUMENTS = 100;

/**
 * Keeps a document under the customer's key, with the hash of the file as it came.
 * @throws {AppError} not_found, conflict, document_refused
 */
export async function addDocument(
  tx: Tx,
  deps: CustomerDeps,
  given: { own: OwnCustomer; input: AddCustomerDocument; doing: Doing },
): Promise<StoredDocument> {
  const { own, input, doing } = given;
  const bytes = bytesOf(input.content);
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null) throw refuse('it is no PDF, JPEG, PNG or WebP file, as its bytes say');
  const family = await lockFamily(tx, deps, own);
  const customer = ownOf(family);
  if (customer.erasedAtMs !== null) throw erased();
  if ((await countDocuments(tx, own)) >= MAX_DOCUMENTS) {
    throw new AppError('conflict', `A customer has at most ${MAX_DOCUMENTS} documents.`);
  }
  const id = deps.ids.next();
  const document: StoredDocument = {
    ...{ merchantId: own.merchantId, id, customerId: own.id, type: input.type, mediaType },
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest(),
    expiresAtMs: input.expiresOn === null ? null : endOfDay(input.expiresOn),
    ...{ uploadedBy: doing.by, uploadedAtMs: doing.nowMs },
  };
  const key = family.vault.keyOf(customer);
  await insertDocument(tx, document, key.sealFile(bytes, `document:${id}`));
  const detail = { documentId: id, type: input.type };
  const noted = { action: 'document_added', detail };
  await note(tx, deps, customer, { family, noted, doing });
  return document;
}

/**
 * Gives out a document and notes who has read it, in one transaction: what can not be noted is not
 * given out.
 * @throws {AppError} not_found
 */
export async function openDocument(
  tx: Tx,
  deps: CustomerDeps,
  given: { which: { merchantId: Uuid; id: Uuid }; doing: Doing },
): Promise<{ document: StoredDocument; bytes: Uint8Array }> {
  const { which, doing } = given;
  const found = await findDocument(tx, which);
  if (found === undefined) throw noSuchDocument();
  const { document, sealedContent } = found;
  const { merchantId, customerId } = document;
  const customer = await readCustomer(tx, { merchantId, id: customerId });
  if (customer === undefined) throw noSuchDocument();
  const vault = await openVault(tx, deps, merchantId);
  const bytes = vault.keyOf(customer).openFile(sealedContent, `document:${document.id}`);
  const hash = createHash('sha256').update(bytes).digest();
  if (!hash.equals(document.sha256)) throw new AppError('internal', 'The document was changed.');
  const noted = { action: 'document_read', detail: { documentId: document.id } };
  await note(tx, deps, customer, { family: { vault }, noted, doing });
  return { document, bytes };
}

function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  // The decoder skips what it does not know: what comes back must be what was sent.
  if (bytes.toString('base64') !== text) {
    throw refuse('it is not base64 as RFC 4648, section 4, has it');
  }
  if (bytes.length > MAX_DOCUMENT_BYTES) {
    throw refuse(`it has more than ${MAX_DOCUMENT_BYTES} bytes`);
  }
  return bytes;
}

function refuse(reason: string): AppError {
  return new AppError('document_refused', `The document can not be used: ${reason}.`, {
    fields: [{ pointer: '/content', detail: reason }],
  });
}

function noSuchDocument(): AppError {
  return new AppError('not_found', 'There is no such document.');
}
