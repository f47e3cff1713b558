import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import { type CertificateTrust, readCertificateTrust } from '../remote/certificate.ts';

/** A macaroon with some dozens of permissions has about a kilobyte. */
const MAX_MACAROON_LENGTH = 16_384;

/** What an operator gives to connect an LND node. `macaroon` is a secret. */
export const lndConnectionSchema = z.strictObject({
  /** `https://host:8080`: LND's REST interface (`restlisten`), not its gRPC one. */
  url: z.url({ protocol: /^https?$/ }),
  /** Hexadecimal or base64 of the macaroon's bytes. */
  macaroon: z.string().min(1).max(MAX_MACAROON_LENGTH),
  /** PEM text or SHA-256 fingerprint of `tls.cert`; null: the system's authorities decide. */
  certificate: z.string().nullable().default(null),
});
export type LndConnection = z.infer<typeof lndConnectionSchema>;

/** The connection in the form that it is used in. */
export type LndAccess = {
  readonly url: URL;
  readonly macaroonHex: string;
  readonly trust: CertificateTrust;
};

/** @throws {LightningNodeError} `unauthorized` or `certificate` for what can not be read */
export function readLndConnection(connection: LndConnection): LndAccess {
  return {
    url: new URL(connection.url),
    macaroonHex: macaroonHex(connection.macaroon),
    trust: readCertificateTrust(connection.certificate),
  };
}

function macaroonHex(given: string): string {
  const text = given.replaceAll(/\s/g, '');
  const bytes = /^(?:[0-9a-f]{2})+$/i.test(text)
    ? Buffer.from(text, 'hex')
    : /^[\w+/-]+={0,2}$/.test(text)
      ? Buffer.from(text, 'base64')
      : Buffer.alloc(0);
  // The first byte is the version of the format; LND has known only 2 (macaroon.V2).
  if (bytes[0] !== 2) {
    throw new LightningNodeError(
      'unauthorized',
      'this is no macaroon of LND: give the bytes of the file in hexadecimal or base64',
    );
  }
  return bytes.toString('hex');
}
