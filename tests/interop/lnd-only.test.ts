import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { systemClock } from '@quittance/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  checkLndMacaroon,
  createLndNode,
  type LndConnection,
  receivingRights,
} from '../../apps/server/src/receiving/lightning/backends/lnd/index.ts';
import type {
  LightningInfo,
  LightningNode,
  NewPayment,
} from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import { findLnd } from '../support/lnd-binary.ts';
import { until } from '../support/lightning.ts';
import { onLnd } from './lnd-worlds.ts';

const lnd = await findLnd();
if ('missing' in lnd) console.warn(`skipped, with a real LND: ${lnd.missing}`);

const START_MS = 120_000;
const CHECK = 'uri:/lnrpc.Lightning/CheckMacaroonPermissions';

describe.skipIf('missing' in lnd)('a real LND', { timeout: 60_000 }, () => {
  let world: Awaited<ReturnType<typeof onLnd>>;
  const opened: LightningNode[] = [];

  beforeAll(async () => {
    world = await onLnd('path' in lnd ? lnd.path : '');
  }, START_MS);
  afterAll(async () => {
    for (const node of opened) await node.close();
    await world.stop();
  }, START_MS);

  function open(
    change: Partial<LndConnection>,
    network: LightningInfo['network'] = 'regtest',
  ): LightningNode {
    const connection = { ...world.lnd.admin, ...change };
    const node = createLndNode({ connection, network, clock: systemClock });
    opened.push(node);
    return node;
  }

  describe('is taken for the right one', () => {
    const pem = () => new X509Certificate(world.lnd.admin.certificate ?? '');

    test('by its certificate, whichever way that is given', async () => {
      const fingerprint = pem().fingerprint256;
      for (const certificate of [
        pem().toString(),
        fingerprint,
        fingerprint.replaceAll(':', '').toLowerCase(),
        pem().raw.toString('base64url'),
      ]) {
        const info = await open({ certificate }).info();
        expect(info.nodeId).toBe(world.lnd.publicKey);
      }
    });

    test.each([
      ['another fingerprint', '00'.repeat(32)],
      ['no certificate, and none of a known authority', null],
    ])('and refused with %s, before it is told the macaroon', async (_what, certificate) => {
      await expect(open({ certificate }).info()).rejects.toMatchObject({ code: 'certificate' });
    });

    test('only by its own chain', async () => {
      await expect(open({}, 'mainnet').info()).rejects.toMatchObject({ code: 'wrong_network' });
    });
  });

  describe('with a macaroon', () => {
    test('in base64 works as in hexadecimal', async () => {
      const macaroon = Buffer.from(world.lnd.admin.macaroon, 'hex').toString('base64');
      expect((await open({ macaroon }).info()).network).toBe('regtest');
    });

    test('that was changed says unauthorized, and was given no payment', async () => {
      const { macaroon } = world.lnd.admin;
      const last = macaroon.endsWith('0') ? '1' : '0';
      const node = open({ macaroon: macaroon.slice(0, -1) + last });
      await expect(node.info()).rejects.toMatchObject({ code: 'unauthorized' });
      expect(await node.pay(keysend(world.peer.nodeId, 1_000n))).toMatchObject({
        ...{ state: 'failed', failure: { failureClass: 'node_unavailable' } },
      });
    });

    test('for receiving alone receives, and can not pay', async () => {
      const rights = receivingRights.map(({ uri }) => `uri:${uri}`);
      const connection = await world.lnd.bake([...rights, CHECK]);
      const node = open(connection);
      const invoice = await node.createInvoice({
        ...{ amountMsat: 1_000n, description: '', expirySeconds: 60 },
      });
      expect(invoice.state).toBe('open');
      expect(await node.pay(keysend(world.peer.nodeId, 1_000n))).toMatchObject({
        ...{ state: 'failed', failure: { failureClass: 'node_unavailable' } },
      });
      const report = await checkLndMacaroon(connection);
      expect(report).toMatchObject({ excessive: [] });
      expect(report.missing).toContain('/routerrpc.Router/SendPaymentV2');
      expect(report.missing).not.toContain('/lnrpc.Lightning/AddInvoice');
    });

    test('that may do everything is told to be too much', async () => {
      expect(await checkLndMacaroon(world.lnd.admin)).toEqual({
        missing: [],
        excessive: ['/lnrpc.Lightning/SendCoins', '/lnrpc.Lightning/BakeMacaroon'],
      });
      expect(await open({}).excessiveRights?.()).toHaveLength(2);
      expect(await world.node.excessiveRights?.()).toEqual([]);
    });

    test('that may not ask about itself gives no report', async () => {
      const connection = await world.lnd.bake(['uri:/lnrpc.Lightning/GetInfo']);
      expect(await checkLndMacaroon(connection)).toEqual({ missing: null, excessive: [] });
    });
  });

  test('keeps its sum to the millisatoshi while a payment of its own channel is held', async () => {
    const { node, far, lnd: running } = world;
    await running.connect({ publicKey: far.nodeId, address: await addressOf(far.node) });
    await running.openChannel({ peer: far.nodeId, sats: 1_000_000n, isPrivate: true });
    await world.mine(1);
    await until('the channel that LND opened', async () => {
      const channels = await node.channels();
      return channels.some(({ peerId, isActive }) => peerId === far.nodeId && isActive);
    });
    await running.routable(2);
    const preimage = randomBytes(32).toString('hex');
    const paymentHash = createHash('sha256').update(preimage, 'hex').digest('hex');
    const before = await node.balances();
    const amountMsat = 60_000_001n;
    const invoice = await far.node.createInvoice({
      ...{ amountMsat, description: '', expirySeconds: 600, holdPaymentHash: paymentHash },
    });
    const outcome = await node.pay({
      ...keysend(far.nodeId, amountMsat),
      ...{ destination: { bolt11: invoice.bolt11 }, paymentHash, maxFeeMsat: 0n, waitMs: 500 },
    });
    expect(outcome.state).toBe('in_flight');
    await until('the held payment', async () => {
      return (await far.node.lookupInvoice(paymentHash))?.state === 'held';
    });
    const during = await node.balances();
    expect(during.inFlightMsat).toBe(amountMsat);
    expect(during.channelsMsat + during.inFlightMsat).toBe(before.channelsMsat);
    await far.node.settleInvoice(preimage);
    await until('the end of the payment', async () => {
      return (await node.trackPayment(paymentHash)).state === 'succeeded';
    });
    await until('the balance after it', async () => {
      const after = await node.balances();
      return after.inFlightMsat === 0n && after.channelsMsat === before.channelsMsat - amountMsat;
    });
  });

  test('lists every settled invoice once, whatever the size of the pages', async () => {
    const { node, peer } = world;
    const hashes: string[] = [];
    for (let count = 0; count < 5; count++) {
      const invoice = await node.createInvoice({
        ...{ amountMsat: 10_000n, description: `${count}`, expirySeconds: 600 },
      });
      const outcome = await peer.node.pay({
        ...keysend(world.lnd.publicKey, 10_000n),
        ...{ destination: { bolt11: invoice.bolt11 }, paymentHash: invoice.paymentHash },
      });
      expect(outcome.state).toBe('succeeded');
      hashes.push(invoice.paymentHash);
    }
    for (const limit of [1, 2, 3, 100]) {
      const told: string[] = [];
      let cursor: string | null = null;
      for (let more = true; more; ) {
        const page = await node.eventsSince(cursor, limit);
        expect(page.events.length).toBeLessThanOrEqual(limit);
        told.push(
          ...page.events.flatMap((event) =>
            event.type === 'invoice_settled' ? [event.paymentHash] : [],
          ),
        );
        ({ cursor, hasMore: more } = page);
      }
      expect(told).toEqual(hashes);
      expect((await node.eventsSince(cursor, limit)).events).toEqual([]);
    }
  });
});

async function addressOf(node: LightningNode): Promise<string> {
  return (await node.info()).uris[0] ?? '';
}

function keysend(keysendTo: string, amountMsat: bigint): NewPayment {
  const preimage = randomBytes(32).toString('hex');
  const paymentHash = createHash('sha256').update(preimage, 'hex').digest('hex');
  return {
    destination: { keysendTo, preimage },
    ...{ paymentHash, amountMsat, maxFeeMsat: 100_000n, timeoutMs: 20_000, waitMs: 20_000 },
  };
}
