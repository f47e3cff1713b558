import { expect, test } from 'vitest';
import { commitmentFeeSats } from './commitment-fee.ts';
import type { LndChannel } from './shapes.ts';

type Htlc = LndChannel['pending_htlcs'][number];
const htlc = (amount: bigint, incoming = false): Htlc => ({
  ...{ amount, incoming, forwarding_channel: 0n },
});

/** BOLT 3's appendix C: dust limit 546, and these HTLCs, at growing fee rates. */
const example = (fee_per_kw: bigint, pending_htlcs: Htlc[]): LndChannel => ({
  ...{ active: true, remote_pubkey: '', channel_point: '', chan_id: 0n, capacity: 10_000_000n },
  ...{ local_balance: 0n, remote_balance: 0n, initiator: true, private: false },
  ...{ commit_fee: 123_456n, fee_per_kw, commitment_type: 'STATIC_REMOTE_KEY', pending_htlcs },
  local_constraints: { chan_reserve_sat: 0n, dust_limit_sat: 546n },
  remote_constraints: null,
});
const five = [
  htlc(1_000n, true),
  htlc(2_000n, true),
  htlc(2_000n),
  htlc(3_000n),
  htlc(4_000n, true),
];

test.each([
  ['no HTLCs', 15_000n, [], 10_860n],
  ['all five untrimmed (minimum fee rate)', 0n, five, 0n],
  ['seven outputs, at the most for five', 647n, five, 1_024n],
  ['six outputs, at the least for four', 648n, five, 914n],
  ['six outputs, at the most for four', 2_069n, five, 2_921n],
  ['five outputs, at the least for three', 2_070n, five, 2_566n],
  ['two outputs, at the least for none', 4_915n, five, 3_558n],
] as const)('%s: as in the example of BOLT 3', (_name, feeRate, htlcs, fee) => {
  expect(commitmentFeeSats(example(feeRate, [...htlcs]))).toBe(fee);
});

test('a kind of channel that is not known has the fee that LND says', () => {
  const channel = { ...example(1_000n, []), commitment_type: 'SOMETHING_NEW' };
  expect(commitmentFeeSats(channel)).toBe(123_456n);
});
