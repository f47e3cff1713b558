import { UnknownWebhookError, verifyClassicWebhook, verifyWebhook } from '@quittance/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newSecret, signMessage } from './signing.ts';
import { newEvent, random } from './test-support.ts';

const MERCHANT = '018f0000-0000-7000-8000-000000000001';
const nowMs = 1_760_000_000_000;

test('the example of the Standard Webhooks libraries is signed as they sign it', () => {
  // https://github.com/standard-webhooks/standard-webhooks: the vector that its libraries test.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const verified = () =>
    verifyWebhook({
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: '{"test": 2432232314}',
      secrets: [secret],
      nowMs: 1_614_265_330_000,
    });
  // The signature fits; the body is not one of our events.
  expect(verified).toThrow(UnknownWebhookError);
});

test('each secret verifies while keys rotate, a removed one does not', () => {
  const event = newEvent(MERCHANT);
  const [newest, old, removed] = [newSecret(random), newSecret(random), newSecret(random)];
  const secrets = [newest, old];
  const message = signMessage({ style: 'standard', secrets, event, nowMs });
  for (const secret of secrets)
    expect(verifyWebhook({ ...message, secrets: [secret], nowMs }).id).toBe(event.id);
  expect(() => verifyWebhook({ ...message, secrets: [removed], nowMs })).toThrow('no signature');
  const classic = signMessage({ style: 'classic', secrets, event, nowMs });
  expect(verifyClassicWebhook({ ...classic, secrets: [newest, old] })).toEqual({
    orderId: event.orderId,
    status: 'PENDING',
    message: 'The order was made.',
    timestamp: new Date(event.createdAtMs).toISOString(),
  });
  expect(verifyClassicWebhook({ ...classic, secrets: [old] }).status).toBe('PENDING');
  expect(() => verifyClassicWebhook({ ...classic, secrets: [removed] })).toThrow('does not fit');
});

test('a change of a single character, of the time or of the id breaks the signature', () => {
  const secret = newSecret(random);
  const event = newEvent(MERCHANT);
  for (const style of ['standard', 'classic'] as const) {
    const { headers, body } = signMessage({ style, secrets: [secret], event, nowMs });
    const verify = (changed: { headers?: Record<string, string>; body?: string }) => {
      const input = { headers, body, secrets: [secret], ...changed };
      return style === 'standard'
        ? verifyWebhook({ ...input, nowMs })
        : verifyClassicWebhook(input);
    };
    expect(() => verify({})).not.toThrow();
    fc.assert(
      fc.property(fc.nat(body.length - 1), (at) => {
        const other = body[at] === '0' ? '1' : '0';
        const changed = body.slice(0, at) + other + body.slice(at + 1);
        expect(() => verify({ body: changed })).toThrow(/fit/);
      }),
    );
    if (style === 'classic') continue;
    for (const name of Object.keys(headers))
      expect(() => verify({ headers: { ...headers, [name]: `${headers[name]}0` } })).toThrow();
  }
});

test('a message out of the time tolerance is refused, whichever clock is wrong', () => {
  const secret = newSecret(random);
  const event = newEvent(MERCHANT);
  const message = signMessage({ style: 'standard', secrets: [secret], event, nowMs });
  const verifyAt = (at: number) => verifyWebhook({ ...message, secrets: [secret], nowMs: at });
  for (const offMs of [-299_000, 299_000]) expect(verifyAt(nowMs + offMs).id).toBe(event.id);
  for (const offMs of [-301_000, 301_000]) expect(() => verifyAt(nowMs + offMs)).toThrow('too old');
});
