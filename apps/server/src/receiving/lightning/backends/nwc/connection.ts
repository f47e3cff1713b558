import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import { isLoopback } from '../remote/node-http.ts';

/** A URI with a handful of relays. */
const MAX_URI_LENGTH = 4_096;
/** Requests go to all relays of a connection; more than a few is a mistake. */
const MAX_RELAYS = 5;

/** What an operator gives to connect a wallet service. It holds a secret. */
export const nwcConnectionSchema = z.strictObject({
  connectionUri: z.string().min(1).max(MAX_URI_LENGTH),
});
export type NwcConnection = z.infer<typeof nwcConnectionSchema>;

export type NwcAccess = {
  /** The wallet service's public key (BIP 340), hexadecimal. */
  readonly walletKey: string;
  /** Our own secret key for this connection, hexadecimal. */
  readonly secret: string;
  readonly relays: readonly string[];
};

const HEX32 = /^[0-9a-f]{64}$/;

/**
 * Reads `nostr+walletconnect://<wallet key>?relay=…&secret=…` (NIP-47).
 * @throws {LightningNodeError} `unauthorized`; the message has nothing of the URI in it
 */
export function readConnectionUri(text: string): NwcAccess {
  const refuse = (what: string): LightningNodeError =>
    new LightningNodeError('unauthorized', `this is no connection URI of NIP-47: ${what}`);
  const match = /^nostr\+?walletconnect:(?:\/\/)?([^/?]+)\/?\?(.+)$/i.exec(text.trim());
  if (match === null) throw refuse('it must begin with nostr+walletconnect://');
  const [, walletKey = '', query = ''] = match;
  const parameters = new URLSearchParams(query);
  const secret = parameters.get('secret') ?? '';
  const relays = [...new Set(parameters.getAll('relay'))];
  if (!HEX32.test(walletKey)) throw refuse("the wallet's key is not 64 hexadecimal digits");
  if (!HEX32.test(secret)) throw refuse('the secret is not 64 hexadecimal digits');
  if (relays.length === 0 || relays.length > MAX_RELAYS) {
    throw refuse(`it names ${relays.length} relays; 1 to ${MAX_RELAYS} are possible`);
  }
  for (const relay of relays) {
    if (!isRelay(relay))
      throw refuse('a relay is not a wss:// address (ws:// only on this machine)');
  }
  return { walletKey, secret, relays };
}

function isRelay(relay: string): boolean {
  const url = URL.parse(relay);
  if (url?.protocol === 'wss:') return true;
  return url?.protocol === 'ws:' && isLoopback(url.hostname);
}
