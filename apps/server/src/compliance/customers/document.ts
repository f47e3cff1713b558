import type { CustomerDocument, CustomerDocumentMediaType } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';

/** A document without its content, which lies sealed beside it. */
export type StoredDocument = {
  merchantId: Uuid;
  id: Uuid;
  customerId: Uuid;
  type: CustomerDocument['type'];
  mediaType: CustomerDocumentMediaType;
  sizeBytes: number;
  sha256: Uint8Array;
  /** The first moment at which it is not good any more. */
  expiresAtMs: number | null;
  uploadedBy: string;
  uploadedAtMs: number;
};

/**
 * What a file is, as its first bytes say: nobody's word is taken for it, so that a page with a script
 * in it is never given out as a picture.
 * @returns null for anything that is not taken
 */
export function mediaTypeOf(bytes: Uint8Array): CustomerDocumentMediaType | null {
  const begins = (text: string, at = 0) =>
    Buffer.from(bytes.subarray(at, at + text.length)).toString('latin1') === text;
  if (begins('%PDF-')) return 'application/pdf';
  if (begins('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (begins('\xff\xd8\xff')) return 'image/jpeg';
  if (begins('RIFF') && begins('WEBP', 8)) return 'image/webp';
  return null;
}

/** How the name of a file that is given out ends. */
export const fileEndings: Readonly<Record<CustomerDocumentMediaType, string>> = {
  'application/pdf': 'pdf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
};
