import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LightningChannel } from '../../lightning-node.ts';
import { localCause } from './local-cause.ts';

const channel = (sendableMsat: bigint, isActive: boolean): LightningChannel => ({
  ...{ id: 'a:0', shortChannelId: null, peerId: 'peer', isActive, isPublic: false },
  ...{ capacityMsat: 2n * sendableMsat, localMsat: sendableMsat, remoteMsat: sendableMsat },
  ...{ sendableMsat: isActive ? sendableMsat : 0n, receivableMsat: 0n },
});

test('what active channels can send together is not stopped by ours', () => {
  expect(localCause([channel(600n, true), channel(400n, true)], 1_000n)).toBeUndefined();
});

test('what lies behind an absent peer is a peer that is offline, and says which', () => {
  expect(localCause([channel(600n, true), channel(400n, false)], 1_000n)).toMatchObject({
    ...{ failureClass: 'peer_offline', at: 'peer' },
  });
});

test('a cause is found exactly when the active channels can not send it', () => {
  const some = fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 10_000n }), fc.boolean()));
  fc.assert(
    fc.property(some, fc.bigInt({ min: 1n, max: 20_000n }), (parts, amountMsat) => {
      const channels = parts.map(([msat, isActive]) => channel(msat, isActive));
      const active = parts.reduce((sum, [msat, isActive]) => sum + (isActive ? msat : 0n), 0n);
      const all = parts.reduce((sum, [msat]) => sum + msat, 0n);
      const cause = localCause(channels, amountMsat)?.failureClass;
      if (active >= amountMsat) expect(cause).toBeUndefined();
      else expect(cause).toBe(all >= amountMsat ? 'peer_offline' : 'insufficient_local_balance');
    }),
  );
});
