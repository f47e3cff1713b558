import { RequestError } from './errors.ts';
import { FEE_RATE } from './ldk/config.ts';
import type { RunningNode } from './node.ts';
import { hostAndPort } from './peers/reconnect.ts';
import { type Method, type Params, PROTOCOL_VERSION, requests, type Results } from './protocol.ts';

/** LDK's JavaScript package and its version, as package.json pins it. */
const VERSION = 'lightningdevkit 0.1.2-0';
/** The chain's node is asked several times a second; after this long it is gone. */
const CHAIN_SILENCE_MS = 10_000;
/** At the channels' fee rate the first transaction must be able to pay its fees; LDK wants more. */
const MIN_CHANNEL_SATS = BigInt(FEE_RATE * 10);

type Handlers = { [M in Method]: (params: Params<M>) => Results[M] | Promise<Results[M]> };

/** What each method does. */
export function createHandlers(node: RunningNode): Handlers {
  const { context, invoices, payments, channels, wallet, follower } = node;
  const { records } = context;
  const nothing = (): Record<string, never> => ({});
  return {
    info: () => ({
      ...{ protocol: PROTOCOL_VERSION, nodeId: context.parts.ownId, alias: node.alias },
      ...{ network: 'regtest', version: VERSION, listensOn: node.listensOn() },
      ...{ blockHeight: context.height(), lastEvent: records.lastEvent },
      isSynced: context.nowMs() - follower.lastAnswerMs < CHAIN_SILENCE_MS,
    }),
    'create-invoice': (params) => invoices.create(params),
    'lookup-invoice': ({ paymentHash }) => invoices.lookup(paymentHash),
    'cancel-invoice'({ paymentHash }) {
      invoices.cancel(paymentHash);
      return {};
    },
    async 'settle-invoice'({ preimage }) {
      await invoices.settle(preimage);
      return {};
    },
    pay: (params) => payments.pay(params),
    'track-payment': ({ paymentHash }) => payments.track(paymentHash),
    channels: () => channels.list(),
    async balances() {
      const onchainSats = String(await wallet.balanceSats());
      return { ...channels.balances(), onchainSats };
    },
    events({ after, limit }) {
      const events = records.events(after ?? 0, limit);
      const cursor = events.at(-1)?.cursor ?? after ?? 0;
      return { events, cursor, hasMore: cursor < records.lastEvent };
    },
    // The server does it: it knows the connection.
    subscribe: nothing,
    peers: () => node.peers(),
    'connect-peer'({ nodeId, address }) {
      if (nodeId === context.parts.ownId) throw new RequestError('bad_request', 'this is us');
      if (hostAndPort(address).port > 65_535) throw new RequestError('bad_request', 'no such port');
      records.putPeer(nodeId, address);
      return {};
    },
    'disconnect-peer'({ nodeId }) {
      node.disconnectPeer(nodeId);
      return {};
    },
    'new-address': async () => ({ address: await wallet.newAddress() }),
    async 'open-channel'(params) {
      if (params.capacitySats < MIN_CHANNEL_SATS) {
        throw new RequestError('bad_request', `at least ${MIN_CHANNEL_SATS} sat for a channel`);
      }
      return channels.open(params);
    },
    'close-channel'(params) {
      channels.close(params);
      return {};
    },
    async sync() {
      await follower.sync();
      return { blockHeight: context.height() };
    },
    async behave({ incoming, acceptKeysend, online }) {
      if (incoming !== undefined) records.putSettings({ incoming });
      if (acceptKeysend !== undefined) records.putSettings({ acceptKeysend });
      if (online !== undefined) await node.setOnline(online);
      return {};
    },
  };
}

/**
 * Reads a request and carries it out.
 * @throws {RequestError} when it is refused
 */
export async function answer(
  handlers: Handlers,
  request: { method: unknown; params: unknown },
): Promise<unknown> {
  const { method, params } = request;
  if (typeof method !== 'string' || !isMethod(method)) {
    throw new RequestError('bad_request', `there is no method "${String(method)}"`);
  }
  return run(handlers, method, params ?? {});
}

const isMethod = (name: string): name is Method => Object.hasOwn(requests, name);

function run<M extends Method>(handlers: Handlers, method: M, params: unknown): unknown {
  const parsed = requests[method].safeParse(params);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw new RequestError('bad_request', `${method}: ${where}: ${issue?.message}`);
  }
  return handlers[method](parsed.data as Params<M>);
}
