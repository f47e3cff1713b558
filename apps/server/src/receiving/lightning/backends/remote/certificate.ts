import { X509Certificate } from 'node:crypto';
import { type TLSSocket, rootCertificates } from 'node:tls';
import { LightningNodeError } from '../../errors.ts';

/** What makes a node's certificate good. Fingerprints are SHA-256 of the DER form, lower-case hex. */
export type CertificateTrust =
  /** An authority that this system knows, and the right name. */
  | { readonly kind: 'system' }
  /** This very certificate, whatever name and dates it has. */
  | { readonly kind: 'fingerprint'; readonly sha256: string }
  /** This very certificate, or one that it (or one of those given) has signed, for the right name. */
  | { readonly kind: 'pem'; readonly pem: string; readonly sha256: readonly string[] };

const FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** A chain of a few certificates; more is no certificate. */
const MAX_CERTIFICATE_LENGTH = 32_768;

/**
 * Reads what an operator has of a node's certificate: nothing (the system's authorities decide), a
 * SHA-256 fingerprint (with or without colons), PEM text, or the DER form in base64 or base64url.
 * @throws {LightningNodeError} `certificate`
 */
export function readCertificateTrust(given: string | null): CertificateTrust {
  const text = given?.trim() ?? '';
  if (text === '') return { kind: 'system' };
  if (text.length > MAX_CERTIFICATE_LENGTH) throw notACertificate();
  if (FINGERPRINT.test(text)) {
    return { kind: 'fingerprint', sha256: text.replaceAll(':', '').toLowerCase() };
  }
  const blocks = text.includes('-----BEGIN') ? (text.match(PEM_BLOCK) ?? []) : [text];
  if (blocks.length === 0) throw notACertificate();
  const certificates = blocks.map((block) =>
    parse(block.startsWith('-----') ? block : Buffer.from(block, 'base64')),
  );
  return {
    kind: 'pem',
    pem: certificates.map(String).join(''),
    sha256: certificates.map(fingerprintOf),
  };
}

function parse(encoded: string | Buffer): X509Certificate {
  try {
    return new X509Certificate(encoded);
  } catch (error) {
    throw notACertificate(error);
  }
}

function notACertificate(cause?: unknown): LightningNodeError {
  return new LightningNodeError(
    'certificate',
    'the certificate can not be read: give PEM text or a SHA-256 fingerprint',
    { cause },
  );
}

function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Options for TLS that go with `certificateProblem`, which has to be asked after the handshake. */
export function tlsOptions(trust: CertificateTrust): {
  ca?: string[];
  rejectUnauthorized: boolean;
} {
  if (trust.kind === 'system') return { rejectUnauthorized: true };
  // A self-signed certificate fails the usual checks, so we look at it ourselves.
  if (trust.kind === 'fingerprint') return { rejectUnauthorized: false };
  return { ca: [trust.pem, ...rootCertificates], rejectUnauthorized: false };
}

/** Why the peer of a finished handshake is not the node; undefined when it is. */
export function certificateProblem(
  socket: Pick<TLSSocket, 'authorized' | 'authorizationError' | 'getPeerX509Certificate'>,
  trust: CertificateTrust,
): string | undefined {
  if (trust.kind === 'system') {
    return socket.authorized ? undefined : `not trusted: ${String(socket.authorizationError)}`;
  }
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'the node shows no certificate';
  const shown = fingerprintOf(certificate);
  const pinned = trust.kind === 'fingerprint' ? [trust.sha256] : trust.sha256;
  if (pinned.includes(shown)) return undefined;
  if (trust.kind === 'pem' && socket.authorized) return undefined;
  return `the node shows a certificate with the fingerprint ${shown}, which is not the pinned one`;
}
