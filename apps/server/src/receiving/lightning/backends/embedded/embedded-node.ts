import {
  connectNode,
  type Method,
  type NodeClient,
  NodeRefusedError,
  NodeUnavailableError,
  NodeUnknownError,
  type Results,
  type WireEvent,
  type WireInvoice,
  type WireOutcome,
  type WireParams,
} from '@quittance/lightning-node/client';
import { type Clock, systemClock } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import type {
  LightningChannel,
  LightningEvent,
  LightningNode,
  NewPayment,
  NodeInvoice,
  PaymentOutcome,
} from '../../lightning-node.ts';
import { isInTime } from '../remote/check-payment.ts';
import { failureOf } from './failures.ts';

/** The node answers a moment after the time that it was told to wait. */
const ANSWER_MARGIN_MS = 10_000;
/** A page of its journal; the protocol allows 500. */
const MAX_EVENTS = 500;

/** Speaks to the embedded Lightning node over its socket. Regtest only (ADR 0014). */
export function createEmbeddedNode(options: { socketPath: string; clock?: Clock }): LightningNode {
  const { socketPath, clock = systemClock } = options;
  const client = connectNode({ socketPath });
  let ownId: string | undefined;
  const ask = <M extends Method>(method: M, params: WireParams<M>): Promise<Results[M]> =>
    client.call(method, params).catch((error: unknown) => {
      throw errorOf(error);
    });

  return {
    kind: 'embedded',
    capabilities: {
      holdInvoices: true,
      offers: false,
      keysend: true,
      descriptionHash: true,
      channels: true,
      feeLimit: true,
    },
    async info() {
      const info = await ask('info', {});
      const { nodeId, alias, network, blockHeight, isSynced, version, listensOn } = info;
      return {
        ...{ nodeId, alias, network, blockHeight, version, synced: isSynced },
        uris: listensOn === null ? [] : [listensOn],
      };
    },
    async createInvoice({ amountMsat, description, expirySeconds, holdPaymentHash }) {
      const made = await ask('create-invoice', {
        ...{ expirySeconds, holdPaymentHash: holdPaymentHash ?? null },
        description: typeof description === 'string' ? description : { sha256: description.sha256 },
        amountMsat: amountMsat === null ? null : String(amountMsat),
      });
      return invoiceOf(made);
    },
    async lookupInvoice(paymentHash) {
      const found = await ask('lookup-invoice', { paymentHash });
      return found === null ? null : invoiceOf(found);
    },
    async cancelInvoice(paymentHash) {
      await ask('cancel-invoice', { paymentHash });
    },
    async settleInvoice(preimage) {
      await ask('settle-invoice', { preimage });
    },
    pay: (request) => pay(client, request, clock),
    trackPayment: async (paymentHash) => outcomeOf(await ask('track-payment', { paymentHash })),
    async channels() {
      return (await ask('channels', {})).map(channelOf);
    },
    async balances() {
      const { channelsMsat, inFlightMsat, ...rest } = await ask('balances', {});
      return {
        channelsMsat: BigInt(channelsMsat),
        inFlightMsat: BigInt(inFlightMsat),
        onchainSats: BigInt(rest.onchainSats),
        sendableMsat: BigInt(rest.sendableMsat),
        receivableMsat: BigInt(rest.receivableMsat),
      };
    },
    async eventsSince(cursor, limit) {
      ownId ??= (await ask('info', {})).nodeId;
      const after = cursor === null ? null : positionOf(cursor, ownId);
      const page = await ask('events', { after, limit: Math.min(limit, MAX_EVENTS) });
      const { events, hasMore } = page;
      return { events: events.map(eventOf), cursor: `${ownId}:${page.cursor}`, hasMore };
    },
    onEvent: (ring) => client.onBell(() => ring()),
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

/**
 * Where in the node's journal a cursor is. One of another node (the folder was made anew) would skip
 * events of this one, so it means the beginning.
 */
function positionOf(cursor: string, ownId: string): number | null {
  const [nodeId, position] = cursor.split(':');
  if (nodeId !== ownId) return null;
  const after = Number(position);
  if (Number.isSafeInteger(after) && after >= 0) return after;
  throw new LightningNodeError('refused', 'the cursor is not one of an embedded node');
}

/** Only what certainly was not given to the node, or what it has refused, is a failure. */
async function pay(client: NodeClient, request: NewPayment, clock: Clock): Promise<PaymentOutcome> {
  const { paymentHash, amountMsat, maxFeeMsat, timeoutMs, waitMs, destination } = request;
  const { notAfterMs } = request;
  if ('bolt12Invoice' in destination) {
    throw new LightningNodeError('unsupported', 'the embedded node does not pay offers');
  }
  try {
    const outcome = await client.call(
      'pay',
      {
        ...{ destination, paymentHash, timeoutMs, waitMs },
        ...{ amountMsat: String(amountMsat), maxFeeMsat: String(maxFeeMsat) },
        // It may lie in the socket for a while, where the node stands still.
        ...(notAfterMs === undefined ? {} : { notAfterMs }),
      },
      { timeoutMs: waitMs + ANSWER_MARGIN_MS, mayWrite: () => isInTime(request, clock) },
    );
    return outcomeOf(outcome);
  } catch (error) {
    if (error instanceof NodeUnavailableError) {
      return failed('node_unavailable', 'unavailable', error.message);
    }
    if (error instanceof NodeRefusedError) return failed('invalid', error.code, error.message);
    const detail = error instanceof Error ? error.message : String(error);
    return { state: 'unknown', detail };
  }
}

function failed(
  failureClass: 'node_unavailable' | 'invalid',
  code: string,
  detail: string,
): PaymentOutcome {
  return { state: 'failed', failure: { failureClass, code, detail, at: null } };
}

function errorOf(error: unknown): LightningNodeError {
  if (error instanceof NodeRefusedError) {
    return new LightningNodeError('refused', error.message, { cause: error });
  }
  if (error instanceof NodeUnavailableError || error instanceof NodeUnknownError) {
    return new LightningNodeError('unreachable', error.message, { cause: error });
  }
  return new LightningNodeError('bad_answer', String(error), { cause: error });
}

const invoiceOf = (invoice: WireInvoice): NodeInvoice => ({
  ...invoice,
  amountMsat: invoice.amountMsat === null ? null : BigInt(invoice.amountMsat),
  receivedMsat: BigInt(invoice.receivedMsat),
});

function outcomeOf(outcome: WireOutcome): PaymentOutcome {
  switch (outcome.state) {
    case 'succeeded': {
      const { preimage, amountMsat, feeMsat, endedAtMs } = outcome;
      return {
        ...{ state: 'succeeded', preimage, endedAtMs },
        ...{ amountMsat: BigInt(amountMsat), feeMsat: BigInt(feeMsat) },
      };
    }
    case 'failed':
      return { state: 'failed', failure: failureOf(outcome.failure) };
    case 'in_flight':
    case 'not_found':
      return outcome;
  }
}

function eventOf(event: WireEvent): LightningEvent {
  if (event.type === 'payment_ended') {
    const { type, paymentHash, outcome } = event;
    return { type, paymentHash, outcome: outcomeOf(outcome) };
  }
  const { type, paymentHash, receivedMsat, preimage, atMs } = event;
  return { type, paymentHash, receivedMsat: BigInt(receivedMsat), preimage, atMs };
}

function channelOf(channel: Results['channels'][number]): LightningChannel {
  const { id, shortChannelId, peerId, isActive, isPublic } = channel;
  return {
    ...{ id, shortChannelId, peerId, isActive, isPublic },
    capacityMsat: BigInt(channel.capacityMsat),
    localMsat: BigInt(channel.localMsat),
    remoteMsat: BigInt(channel.remoteMsat),
    sendableMsat: BigInt(channel.sendableMsat),
    receivableMsat: BigInt(channel.receivableMsat),
  };
}
