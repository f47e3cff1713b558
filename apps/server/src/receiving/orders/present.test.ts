import { parseBip21 } from '@quittance/bitcoin';
import { expect, test } from 'vitest';
import { paymentLink } from './present.ts';

const ORDER = {
  address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  dueSats: 100_000n,
  toleranceBelowSats: 0n,
  toleranceAboveSats: 0n,
  receivedSats: 0n,
};

test.each([
  ['short texts', 'Corner Coffee', 'Two coffees', ['label', 'message']],
  ['a long message', 'Corner Coffee', '三明治'.repeat(166), ['label']],
  ['a long name too', '🍵'.repeat(200), '三明治'.repeat(166), []],
] as const)(
  'a payment link stays within 2,000 characters and keeps what is paid (%s)',
  (...row) => {
    const [, name, description, texts] = row;
    const link = paymentLink({ ...ORDER, description }, name);
    expect(link.length).toBeLessThanOrEqual(2_000);
    const parsed = parseBip21(link);
    if (!parsed.ok) throw new Error(parsed.reason);
    const { address, amountSats, ...rest } = parsed.request;
    expect({ address, amountSats }).toEqual({ address: ORDER.address, amountSats: 100_000n });
    expect(Object.keys(rest).toSorted()).toEqual([...texts]);
  },
);
