import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBolt11 } from '@quittance/bitcoin';
import type {
  LightningNode,
  PaymentOutcome,
} from '../../apps/server/src/receiving/lightning/lightning-node.ts';

/** What `xpay` and `pay` answer for a failure (lightning-xpay(7)). */
const CODES: Readonly<Record<string, number>> = {
  recipient_rejected: 203,
  fee_limit: 206,
  expired: 207,
  already_paid: 219,
};
const WAIT_POLL_MS = 20;
const MAX_WAIT_MS = 60_000;

export type TestClnRest = {
  readonly url: string;
  readonly rune: string;
  /** Every call, in the order of arrival. */
  readonly calls: readonly { method: string; params: Params }[];
  /** Answers a method in another way; `undefined` from it means: as usual. */
  override: ((method: string, params: Params) => Answer | undefined) | null;
  /** Is gone for a while, with all that it knows. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
};
type Params = Record<string, unknown>;
type Answer = { status: number; body: unknown };
type Part = {
  hash: string;
  status: 'pending' | 'failed' | 'complete';
  updated: number;
  at: number;
};
type Made = { hash: string; label: string; updated: number; status: 'unpaid' | 'paid' };

/**
 * For machines without Core Lightning: speaks what its documents say of clnrest and of the methods that
 * we use, in front of a real node; so the payments are real. Whether the shapes are right, the contract
 * on a real one says (tests/interop/cln.test.ts).
 */
export async function startClnRest(
  node: LightningNode,
  options: { methods?: readonly string[] } = {},
): Promise<TestClnRest> {
  const methods = options.methods ?? [
    'xpay',
    'pay',
    'invoice',
    'listpays',
    'offer',
    'fetchinvoice',
  ];
  const calls: { method: string; params: Params }[] = [];
  const parts = new Map<string, Part>();
  const invoices = new Map<string, Made>();
  const indexes = { invoices: 0, sendpays: 0 };
  const now = (): number => Math.floor(Date.now() / 1_000);
  const outcomes = new Map<string, PaymentOutcome>();

  /** Numbers what has changed since the last look, as the node's database does. */
  async function refresh(): Promise<void> {
    for (const made of invoices.values()) {
      if (made.status === 'paid') continue;
      const invoice = await node.lookupInvoice(made.hash);
      if (invoice?.state !== 'settled') continue;
      made.status = 'paid';
      made.updated = ++indexes.invoices;
    }
    for (const part of parts.values()) {
      if (part.status !== 'pending') continue;
      const outcome = await node.trackPayment(part.hash);
      if (outcome.state !== 'succeeded' && outcome.state !== 'failed') continue;
      outcomes.set(part.hash, outcome);
      part.status = outcome.state === 'succeeded' ? 'complete' : 'failed';
      part.updated = ++indexes.sendpays;
    }
  }

  const commands: Record<string, (params: Params) => Promise<unknown>> = {
    help: async () => ({ help: methods.map((name) => ({ command: `${name} [arguments]` })) }),
    async getinfo() {
      const info = await node.info();
      return {
        ...{ id: info.nodeId, alias: info.alias, network: info.network, version: 'v25.02' },
        ...{ blockheight: info.blockHeight, address: [] },
      };
    },
    async invoice({ amount_msat, label, description, deschashonly, expiry }) {
      const made = await node.createInvoice({
        amountMsat: amount_msat === 'any' ? null : msat(amount_msat),
        expirySeconds: Number(expiry),
        description:
          deschashonly === true
            ? { sha256: createHash('sha256').update(String(description)).digest('hex') }
            : String(description),
      });
      const hash = made.paymentHash;
      invoices.set(hash, { hash, label: String(label), updated: 0, status: 'unpaid' });
      const expires_at = Math.floor(made.expiresAtMs / 1_000);
      return { payment_hash: hash, bolt11: made.bolt11, expires_at, payment_secret: '00' };
    },
    async listinvoices({ payment_hash, start, limit }) {
      await refresh();
      const chosen = [...invoices.values()].filter(({ hash, updated }) =>
        payment_hash === undefined ? updated >= Number(start) : hash === payment_hash,
      );
      chosen.sort((a, b) => a.updated - b.updated);
      const page = chosen.slice(0, limit === undefined ? undefined : Number(limit));
      return { invoices: await Promise.all(page.map(shown)) };
    },
    async delinvoice({ label }) {
      const made = [...invoices.values()].find((one) => one.label === label);
      if (made === undefined) throw refusal(905, 'no such invoice');
      await node.cancelInvoice(made.hash);
      invoices.delete(made.hash);
      return {};
    },
    xpay: async ({ invstring, amount_msat, maxfee, retry_for }) =>
      pay(String(invstring), { amount_msat, maxfee, retry_for }),
    pay: async ({ bolt11, ...terms }) => pay(String(bolt11), terms),
    async listpays({ payment_hash }) {
      await refresh();
      const part = parts.get(String(payment_hash));
      return { pays: part === undefined ? [] : [payOf(part)] };
    },
    async listsendpays({ start, limit }) {
      await refresh();
      const changed = [...parts.values()]
        .filter(({ updated }) => updated >= Number(start))
        .sort((a, b) => a.updated - b.updated)
        .slice(0, Number(limit));
      return {
        payments: changed.map(({ hash, status, updated }) => ({
          ...{ payment_hash: hash, status, updated_index: updated },
        })),
      };
    },
    async listpeerchannels() {
      const channels = await node.channels();
      const { inFlightMsat } = await node.balances();
      return {
        channels: channels.map((channel, i) => {
          const outMsat = i === 0 ? inFlightMsat : 0n;
          return {
            ...{ peer_id: channel.peerId, peer_connected: channel.isActive },
            ...{ state: 'CHANNELD_NORMAL', channel_id: channel.id, private: !channel.isPublic },
            ...{ short_channel_id: channel.shortChannelId ?? undefined },
            total_msat: Number(channel.capacityMsat),
            to_us_msat: Number(channel.localMsat + outMsat),
            spendable_msat: Number(channel.sendableMsat),
            receivable_msat: Number(channel.receivableMsat),
            htlcs: outMsat === 0n ? [] : [{ direction: 'out', amount_msat: Number(outMsat) }],
          };
        }),
      };
    },
    async listfunds() {
      const { onchainSats } = await node.balances();
      return { outputs: [{ amount_msat: Number(onchainSats * 1_000n), status: 'confirmed' }] };
    },
    async wait({ subsystem, nextvalue }) {
      const name = subsystem === 'invoices' ? 'invoices' : 'sendpays';
      const endMs = performance.now() + MAX_WAIT_MS;
      while (indexes[name] < Number(nextvalue) && performance.now() < endMs) {
        await sleep(WAIT_POLL_MS, undefined, { ref: false });
        await refresh().catch(() => undefined);
      }
      return { subsystem, updated: indexes[name] };
    },
  };

  async function shown({ hash, label, updated, status }: Made) {
    const invoice = await node.lookupInvoice(hash);
    const isPaid = status === 'paid';
    return {
      ...{ label, payment_hash: hash, bolt11: invoice?.bolt11, status },
      expires_at: Math.floor((invoice?.expiresAtMs ?? 0) / 1_000),
      ...(invoice?.amountMsat === undefined || invoice.amountMsat === null
        ? {}
        : { amount_msat: Number(invoice.amountMsat) }),
      ...(updated === 0 ? {} : { updated_index: updated }),
      ...(isPaid
        ? {
            amount_received_msat: Number(invoice?.receivedMsat),
            paid_at: Math.floor((invoice?.settledAtMs ?? 0) / 1_000),
            payment_preimage: invoice?.preimage,
          }
        : {}),
    };
  }

  async function pay(bolt11: string, { amount_msat, maxfee, retry_for }: Params) {
    const decoded = decodeBolt11(bolt11);
    if (!decoded.ok) throw refusal(-32_602, `Invalid bolt11: ${decoded.reason}`);
    const { paymentHash: hash, amountMsat } = decoded.invoice;
    parts.set(hash, { hash, status: 'pending', updated: 0, at: now() });
    const timeoutMs = Number(retry_for) * 1_000;
    const outcome = await node.pay({
      ...{
        destination: { bolt11 },
        paymentHash: hash,
        amountMsat: amountMsat ?? msat(amount_msat),
      },
      ...{ maxFeeMsat: msat(maxfee), timeoutMs, waitMs: MAX_WAIT_MS },
    });
    await refresh();
    if (outcome.state === 'succeeded') return paid(outcome);
    if (outcome.state !== 'failed') throw refusal(210, 'Timed out');
    const { failureClass, detail } = outcome.failure;
    parts.set(hash, { hash, status: 'failed', updated: ++indexes.sendpays, at: now() });
    throw refusal(CODES[failureClass] ?? 205, `${failureClass.replaceAll('_', ' ')}: ${detail}`);
  }

  function payOf({ hash, status, at }: Part) {
    const outcome = outcomes.get(hash);
    const ended = outcome?.state === 'succeeded' ? outcome : undefined;
    return {
      ...{ payment_hash: hash, status, created_at: at },
      ...(ended === undefined
        ? {}
        : {
            preimage: ended.preimage,
            amount_msat: Number(ended.amountMsat),
            amount_sent_msat: Number(ended.amountMsat + ended.feeMsat),
            completed_at: Math.floor((ended.endedAtMs ?? Date.now()) / 1_000),
          }),
    };
  }

  const rune = Buffer.alloc(48, 7).toString('base64url');
  const server = createServer((request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await answerTo(request);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    if (request.headers['rune'] !== rune) {
      return { status: 401, body: { code: 1501, message: 'Not authorized: Invalid rune' } };
    }
    const method = request.url?.replace('/v1/', '') ?? '';
    const params = JSON.parse(text) as Params;
    calls.push({ method, params });
    const other = cln.override?.(method, params);
    if (other !== undefined) return other;
    const command = commands[method];
    if (command === undefined) {
      return { status: 404, body: { code: -32_601, message: `Unknown command '${method}'` } };
    }
    try {
      return { status: 201, body: await command(params) };
    } catch (error) {
      const { code = -1, message } = error as { code?: number; message: string };
      return { status: 500, body: { code: typeof code === 'number' ? code : -1, message } };
    }
  }

  async function listen(port: number): Promise<number> {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  async function pause(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  const port = await listen(0);
  const cln: TestClnRest = {
    url: `http://127.0.0.1:${port}`,
    ...{ rune, calls, override: null, pause, stop: pause },
    resume: async () => void (await listen(port)),
  };
  return cln;
}

function paid(outcome: Extract<PaymentOutcome, { state: 'succeeded' }>) {
  return {
    payment_preimage: outcome.preimage,
    ...{ failed_parts: 0, successful_parts: 1, amount_msat: Number(outcome.amountMsat) },
    amount_sent_msat: Number(outcome.amountMsat + outcome.feeMsat),
  };
}

function msat(value: unknown): bigint {
  return BigInt(String(value).replace(/msat$/, ''));
}

function refusal(code: number, message: string): Error & { code: number } {
  return Object.assign(new Error(message), { code });
}
