import { randomBytes, randomFillSync } from 'node:crypto';
import { decodeBolt11 } from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';
import { WebSocket } from 'ws';
import { z } from 'zod';
import {
  conversationKey,
  decryptNip04,
  decryptNip44,
  encryptNip04,
  encryptNip44,
  sharedX,
} from '../../apps/server/src/receiving/lightning/backends/nwc/encryption.ts';
import {
  kinds,
  type NostrEvent,
  nostrEventShape,
  publicKeyOf,
  signEvent,
  tagOf,
} from '../../apps/server/src/receiving/lightning/backends/nwc/nostr-event.ts';
import type {
  LightningNode,
  NodeInvoice,
  PaymentOutcome,
} from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import type { TestRelay } from './nwc-relay.ts';

const METHODS = [
  'pay_invoice',
  'pay_keysend',
  'make_invoice',
  'lookup_invoice',
  'list_transactions',
  'get_balance',
  'get_info',
  'make_hold_invoice',
  'settle_hold_invoice',
  'cancel_hold_invoice',
];
const PAY_WAIT_MS = 60_000;
const MAX_FEE_MSAT = 100_000n;

export type TestWallet = {
  readonly connectionUri: string;
  readonly walletKey: string;
  /** Answers this method with an error instead, until set back to null. */
  fail: { method: string; code: string; message: string; alsoDo?: boolean } | null;
  /** Is gone for a while, with all that it knows. */
  pause(): void;
  resume(relay: TestRelay): Promise<void>;
  stop(): void;
};

type Params = Record<string, unknown>;
type Payment = { bolt11: string | null; amountMsat: bigint; createdAt: number; endedAt: number };

/**
 * A wallet service (NIP-47) in front of a real node. It knows the invoices and payments that were
 * made through it, as a hub does.
 * @param options.methods what it offers; all when left out
 */
export async function startWallet(
  relay: TestRelay,
  node: LightningNode,
  options: { encryption?: 'nip44_v2' | 'nip04'; methods?: readonly string[] } = {},
): Promise<TestWallet> {
  const encryption = options.encryption ?? 'nip44_v2';
  const methods = options.methods ?? METHODS;
  const walletSecret = toHex(randomBytes(32));
  const clientSecret = toHex(randomBytes(32));
  const walletKey = publicKeyOf(walletSecret);
  const clientKey = publicKeyOf(clientSecret);
  const shared = sharedX(walletSecret, clientKey);
  const key = conversationKey(walletSecret, clientKey);
  const random = (target: Uint8Array): Uint8Array => randomFillSync(target);
  const invoices = new Map<string, { createdAt: number }>();
  const payments = new Map<string, Payment>();
  const now = (): number => Math.floor(Date.now() / 1_000);

  const sign = (kind: number, tags: string[][], content: string): NostrEvent =>
    signEvent({ kind, tags, content }, walletSecret, { nowMs: Date.now(), random });
  const seal = (message: unknown): string =>
    encryption === 'nip44_v2'
      ? encryptNip44(key, JSON.stringify(message), random)
      : encryptNip04(shared, JSON.stringify(message), random);

  const wallet: TestWallet = {
    connectionUri: `nostr+walletconnect://${walletKey}?relay=${encodeURIComponent(relay.url)}&secret=${clientSecret}`,
    walletKey,
    fail: null,
    pause: () => socket?.terminate(),
    resume: (again) => connect(again.url),
    stop() {
      stopRinging();
      socket?.terminate();
    },
  };
  let socket: WebSocket | undefined;

  const commands: Record<string, (params: Params) => Promise<unknown>> = {
    async get_info() {
      const { alias, nodeId, network, blockHeight } = await node.info();
      return { alias, pubkey: nodeId, network, block_height: blockHeight, methods };
    },
    async get_balance() {
      return { balance: Number((await node.balances()).channelsMsat) };
    },
    make_invoice: (params) => makeInvoice(params),
    make_hold_invoice: (params) => makeInvoice(params, String(params['payment_hash'])),
    async settle_hold_invoice({ preimage }) {
      await node.settleInvoice(String(preimage));
      return {};
    },
    async cancel_hold_invoice({ payment_hash }) {
      await node.cancelInvoice(String(payment_hash));
      return {};
    },
    async pay_invoice({ invoice, amount }) {
      const decoded = decodeBolt11(String(invoice));
      if (!decoded.ok) throw refusal('OTHER', `invalid invoice: ${decoded.reason}`);
      const { paymentHash, amountMsat } = decoded.invoice;
      return pay(paymentHash, amountMsat ?? BigInt(Number(amount)), { bolt11: String(invoice) });
    },
    async pay_keysend({ pubkey, preimage, amount }) {
      const hash = await sha256Hex(String(preimage));
      const destination = { keysendTo: String(pubkey), preimage: String(preimage) };
      return pay(hash, BigInt(Number(amount)), destination);
    },
    async lookup_invoice({ payment_hash }) {
      const hash = String(payment_hash);
      const found = (await outgoing(hash)) ?? (await incoming(hash));
      if (found === undefined) throw refusal('NOT_FOUND', 'no such invoice');
      return found;
    },
    async list_transactions({ from, limit, offset, unpaid, type }) {
      const all = [
        ...(await Promise.all([...payments.keys()].map(outgoing))),
        ...(await Promise.all([...invoices.keys()].map(incoming))),
      ];
      const listed = all
        .filter((one) => one !== undefined && (unpaid === true || one.state === 'settled'))
        .filter((one) => type === undefined || one?.type === type)
        .filter((one) => (one?.created_at ?? 0) >= Number(from ?? 0))
        .sort((a, b) => (b?.created_at ?? 0) - (a?.created_at ?? 0));
      return {
        transactions: listed.slice(Number(offset ?? 0), Number(offset ?? 0) + Number(limit)),
      };
    },
  };

  async function makeInvoice(params: Params, holdPaymentHash?: string) {
    const { description, description_hash, amount, expiry } = params;
    const invoice = await node.createInvoice({
      amountMsat: BigInt(Number(amount)),
      description:
        description_hash === undefined
          ? String(description ?? '')
          : { sha256: String(description_hash) },
      expirySeconds: Number(expiry ?? 3_600),
      ...(holdPaymentHash === undefined ? {} : { holdPaymentHash }),
    });
    invoices.set(invoice.paymentHash, { createdAt: now() });
    return incoming(invoice.paymentHash);
  }

  async function pay(
    paymentHash: string,
    amountMsat: bigint,
    destination: { bolt11: string } | { keysendTo: string; preimage: string },
  ) {
    const bolt11 = 'bolt11' in destination ? destination.bolt11 : null;
    const earlier = await outgoing(paymentHash);
    if (earlier?.state === 'settled') throw refusal('PAYMENT_FAILED', 'already paid');
    payments.set(paymentHash, { bolt11, amountMsat, createdAt: now(), endedAt: 0 });
    const outcome = await node.pay({
      ...{ destination, paymentHash, amountMsat, maxFeeMsat: MAX_FEE_MSAT },
      ...{ timeoutMs: PAY_WAIT_MS, waitMs: PAY_WAIT_MS },
    });
    const begun = payments.get(paymentHash);
    if (begun !== undefined && begun.endedAt === 0) begun.endedAt = now();
    if (outcome.state !== 'succeeded') throw refusal('PAYMENT_FAILED', wordsOf(outcome));
    return { preimage: outcome.preimage, fees_paid: Number(outcome.feeMsat) };
  }

  async function outgoing(paymentHash: string) {
    const payment = payments.get(paymentHash);
    if (payment === undefined) return undefined;
    const outcome = await node.trackPayment(paymentHash);
    const isPaid = outcome.state === 'succeeded';
    return {
      type: 'outgoing',
      state: isPaid ? 'settled' : outcome.state === 'failed' ? 'failed' : 'pending',
      ...(payment.bolt11 === null ? {} : { invoice: payment.bolt11 }),
      payment_hash: paymentHash,
      ...(isPaid ? { preimage: outcome.preimage } : {}),
      amount: Number(payment.amountMsat),
      fees_paid: isPaid ? Number(outcome.feeMsat) : 0,
      created_at: payment.createdAt,
      ...(isPaid ? { settled_at: Math.floor((outcome.endedAtMs ?? 0) / 1_000) } : {}),
    };
  }

  async function incoming(paymentHash: string) {
    const made = invoices.get(paymentHash);
    const invoice = await node.lookupInvoice(paymentHash);
    if (made === undefined || invoice === null) return undefined;
    return {
      type: 'incoming',
      state: stateOf(invoice),
      invoice: invoice.bolt11,
      payment_hash: paymentHash,
      ...(invoice.preimage === null ? {} : { preimage: invoice.preimage }),
      amount: Number(invoice.amountMsat ?? invoice.receivedMsat),
      fees_paid: 0,
      created_at: made.createdAt,
      expires_at: Math.floor(invoice.expiresAtMs / 1_000),
      ...(invoice.settledAtMs === null
        ? {}
        : { settled_at: Math.floor(invoice.settledAtMs / 1_000) }),
    };
  }

  async function answer(event: NostrEvent): Promise<void> {
    const expiration = Number(tagOf(event, 'expiration') ?? Number.POSITIVE_INFINITY);
    if (expiration < now()) return;
    const text = event.content.includes('?iv=')
      ? decryptNip04(shared, event.content)
      : decryptNip44(key, event.content);
    const request = z
      .object({ method: z.string(), params: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(text));
    const { method, params } = request;
    let content: unknown;
    try {
      const { fail } = wallet;
      if (fail?.method === method) {
        if (fail.alsoDo === true) await commands[method]?.(params);
        throw refusal(fail.code, fail.message);
      }
      const command = methods.includes(method) ? commands[method] : undefined;
      if (command === undefined) throw refusal('NOT_IMPLEMENTED', method);
      content = { result_type: method, error: null, result: await command(params) };
    } catch (error) {
      content = { result_type: method, error: errorOf(error), result: null };
    }
    const tags = [
      ['p', clientKey],
      ['e', event.id],
    ];
    send(sign(kinds.response, tags, seal(content)));
  }

  const stopRinging = node.onEvent(() => {
    const kind = encryption === 'nip44_v2' ? kinds.notification : kinds.notificationNip04;
    const message = { notification_type: 'payment_received', notification: {} };
    send(sign(kind, [['p', clientKey]], seal(message)));
  });

  function send(event: NostrEvent): void {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(['EVENT', event]));
  }

  async function connect(url: string): Promise<void> {
    const current = new WebSocket(url);
    socket = current;
    await new Promise((resolve, reject) => {
      current.once('open', resolve);
      current.once('error', reject);
    });
    current.on('message', (data) => {
      const message = z
        .tuple([z.literal('EVENT'), z.string(), nostrEventShape])
        .safeParse(JSON.parse(String(data)));
      if (message.success) void answer(message.data[2]);
    });
    const filter = { kinds: [kinds.request], '#p': [walletKey] };
    current.send(JSON.stringify(['REQ', 'requests', filter]));
    const tags = [
      ['notifications', 'payment_received payment_sent'],
      ...(encryption === 'nip44_v2' ? [['encryption', 'nip44_v2 nip04']] : []),
    ];
    send(sign(kinds.info, tags, [...methods, 'notifications'].join(' ')));
  }

  await connect(relay.url);
  return wallet;
}

function stateOf({ state }: NodeInvoice): string {
  return { open: 'pending', held: 'accepted', settled: 'settled', cancelled: 'failed' }[state];
}

function wordsOf(outcome: PaymentOutcome): string {
  return outcome.state === 'failed'
    ? outcome.failure.failureClass.replaceAll('_', ' ')
    : outcome.state;
}

class Refusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const refusal = (code: string, message: string): Refusal => new Refusal(code, message);

function errorOf(error: unknown): { code: string; message: string } {
  if (error instanceof Refusal) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: String(error) };
}

async function sha256Hex(hex: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', Buffer.from(hex, 'hex'))));
}
