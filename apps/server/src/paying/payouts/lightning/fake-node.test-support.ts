import { createHash, randomBytes } from 'node:crypto';
import { type Bolt11Fields, encodeBolt11 } from '@quittance/bitcoin';
import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import {
  type LightningNode,
  LightningNodeError,
  type NewPayment,
  type OfferInvoice,
  type PaymentOutcome,
} from '../../../receiving/lightning/index.ts';

const PAYEE_KEY = new Uint8Array(32).fill(0x42);
export const FAKE_NODE_ID = `02${'ab'.repeat(32)}`;

/** What the fake node does with a payment that it is given. */
export type Behaviour =
  | { readonly do: 'succeed'; readonly feeMsat?: Msats }
  | { readonly do: 'fail'; readonly failureClass: LightningFailureClass; readonly at?: string }
  /** It takes it and goes on trying. */
  | { readonly do: 'hold' }
  /** It takes it, and its answer is lost. */
  | { readonly do: 'lose_answer'; readonly what: 'succeed' | 'fail' | 'hold' }
  /** It never gets it, and nobody knows. */
  | { readonly do: 'lose_request' }
  /** It refuses before anything is taken. */
  | { readonly do: 'refuse' };

/** A node that does what the test says and keeps what real ones keep: payments by their hash. */
export class FakeNode {
  behaviour: Behaviour = { do: 'succeed' };
  isReachable = true;
  sendableMsat: Msats = 1_000_000_000n;
  /** What an issuer of an offer (BOLT 12) answers; null: the node has no offers. */
  issuer: ((amountMsat: Msats | null) => OfferInvoice | Error) | null = null;
  /** Called before a payment is taken. */
  beforePay: () => Promise<void> = async () => {};
  /** Every payment that was given to it, in order. */
  readonly given: NewPayment[] = [];
  readonly payments = new Map<string, PaymentOutcome>();
  readonly preimages = new Map<string, string>();
  #ring: () => void = () => {};

  /** An invoice that this node, or somebody else, can pay. */
  invoice(options: {
    amountMsat?: Msats | null;
    expirySeconds?: number;
    nowMs: number;
    /** Whose invoice it is, by their key. */
    payeeKey?: Uint8Array;
    routeHints?: Bolt11Fields['routeHints'];
  }) {
    const preimage = randomBytes(32);
    const paymentHash = createHash('sha256').update(preimage).digest('hex');
    this.preimages.set(paymentHash, preimage.toString('hex'));
    const { amountMsat = 100_000_000n, expirySeconds = 3_600, nowMs } = options;
    const fields: Bolt11Fields = {
      network: 'regtest',
      ...{ amountMsat, createdAtMs: nowMs, paymentHash, expirySeconds },
      ...{ paymentSecret: randomBytes(32).toString('hex'), description: 'a test' },
    };
    const hinted = options.routeHints === undefined ? {} : { routeHints: options.routeHints };
    return {
      bolt11: encodeBolt11({ ...fields, ...hinted }, options.payeeKey ?? PAYEE_KEY),
      paymentHash,
    };
  }

  /** Ends what it holds. */
  end(paymentHash: string, how: 'succeed' | 'fail'): void {
    this.payments.set(paymentHash, this.#outcome(paymentHash, how, 100_000_000n));
    this.#ring();
  }

  #outcome(hash: string, how: 'succeed' | 'fail' | 'hold', amountMsat: Msats): PaymentOutcome {
    if (how === 'hold') return { state: 'in_flight' };
    if (how === 'fail') return failed('no_route');
    const preimage = this.preimages.get(hash) ?? '';
    return { state: 'succeeded', preimage, amountMsat, feeMsat: 1_000n, endedAtMs: null };
  }

  async #pay(payment: NewPayment): Promise<PaymentOutcome> {
    const { paymentHash, amountMsat } = payment;
    await this.beforePay();
    const { behaviour } = this;
    if (!this.isReachable || behaviour.do === 'refuse') {
      throw new LightningNodeError('unreachable', 'nobody answers');
    }
    if (behaviour.do === 'lose_request') return { state: 'unknown', detail: 'the line was cut' };
    this.given.push(payment);
    const known = this.payments.get(paymentHash);
    if (known?.state === 'succeeded' || known?.state === 'in_flight') return failed('already_paid');
    if (behaviour.do === 'fail') {
      const outcome = failed(behaviour.failureClass, behaviour.at);
      this.payments.set(paymentHash, outcome);
      return outcome;
    }
    if (behaviour.do === 'lose_answer') {
      this.payments.set(paymentHash, this.#outcome(paymentHash, behaviour.what, amountMsat));
      return { state: 'unknown', detail: 'the line was cut' };
    }
    const how = behaviour.do === 'hold' ? 'hold' : 'succeed';
    const outcome = this.#outcome(paymentHash, how, amountMsat);
    const fee = behaviour.do === 'succeed' ? (behaviour.feeMsat ?? 1_000n) : 0n;
    const kept = outcome.state === 'succeeded' ? { ...outcome, feeMsat: fee } : outcome;
    this.payments.set(paymentHash, kept);
    return kept;
  }

  /** As the product sees it. */
  get api(): LightningNode {
    const reach = () => {
      if (!this.isReachable) throw new LightningNodeError('unreachable', 'nobody answers');
    };
    const none = () => Promise.reject(new LightningNodeError('unsupported', 'not in this test'));
    return {
      kind: 'embedded',
      capabilities: {
        ...{ holdInvoices: false, keysend: false, descriptionHash: false },
        offers: this.issuer !== null,
        ...{ channels: false, feeLimit: true },
      },
      info: async () => {
        reach();
        const where = { network: 'regtest', blockHeight: 1, synced: true, version: '1' } as const;
        return { nodeId: FAKE_NODE_ID, alias: 'fake', uris: [], ...where };
      },
      balances: async () => {
        reach();
        const { sendableMsat } = this;
        const rest = { inFlightMsat: 0n, onchainSats: 0n, receivableMsat: 0n };
        return { channelsMsat: sendableMsat, sendableMsat, ...rest };
      },
      channels: async () => [],
      fetchInvoice: async ({ amountMsat }) => {
        reach();
        const answer = this.issuer?.(amountMsat) ?? new LightningNodeError('unsupported', 'none');
        if (answer instanceof Error) throw answer;
        return answer;
      },
      pay: (payment) => this.#pay(payment),
      trackPayment: async (paymentHash) => {
        if (!this.isReachable) return { state: 'unknown', detail: 'nobody answers' };
        return this.payments.get(paymentHash) ?? { state: 'not_found' };
      },
      onEvent: (ring) => {
        this.#ring = ring;
        return () => {};
      },
      ...{ createInvoice: none, lookupInvoice: none, cancelInvoice: none, settleInvoice: none },
      ...{ eventsSince: none, close: async () => {} },
    };
  }
}

function failed(failureClass: LightningFailureClass, at: string | null = null): PaymentOutcome {
  const failure = { failureClass, code: 'test', detail: 'as the test says', at };
  return { state: 'failed', failure };
}
