import { expect, test } from 'vitest';
import { readConnectionUri } from './connection.ts';

const walletKey = 'b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4';
const secret = '71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c';
const uri = `nostr+walletconnect://${walletKey}?relay=wss%3A%2F%2Frelay.example&secret=${secret}`;

test('a connection URI gives the keys and each relay once', () => {
  expect(readConnectionUri(`${uri}&relay=wss://relay.example&relay=wss://two.example`)).toEqual({
    walletKey,
    secret,
    relays: ['wss://relay.example', 'wss://two.example'],
  });
});

test.each([
  ['nothing', ''],
  ['an address of the web', 'https://relay.example'],
  ['a URI without a relay', `nostr+walletconnect://${walletKey}?secret=${secret}`],
  ['a relay without encryption', uri.replace('wss', 'ws')],
  ['a short secret', uri.slice(0, -2)],
  ['a key in capitals', uri.replace(walletKey, walletKey.toUpperCase())],
  ['six relays', `${uri}${[1, 2, 3, 4, 5].map((i) => `&relay=wss://r${i}.example`).join('')}`],
])('%s is refused, and the message does not hold the secret', (_what, text) => {
  expect(() => readConnectionUri(text)).toThrow(
    expect.objectContaining({
      code: 'unauthorized',
      message: expect.not.stringContaining(secret.slice(0, 8)),
    }),
  );
});

test('a relay on this machine needs no encryption', () => {
  const local = uri.replace('wss%3A%2F%2Frelay.example', 'ws://127.0.0.1:7000');
  expect(readConnectionUri(local).relays).toEqual(['ws://127.0.0.1:7000']);
});
