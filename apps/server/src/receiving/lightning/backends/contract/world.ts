import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import { expect } from 'vitest';
import type { LightningNode, NodeInvoice, PaymentOutcome } from '../../lightning-node.ts';

/** A real node at the other end. The embedded nodes of tests/support/lightning.ts fit. */
export interface WorldPeer {
  readonly nodeId: string;
  readonly node: LightningNode;
  /** What it does with payments that arrive: `reject` refuses them all. */
  behave(behaviour: { incoming: 'accept' | 'reject' | 'hold' }): Promise<void>;
  setOnline(online: boolean): Promise<void>;
}

/**
 * Where a backend is tried: `node` — `peer` — `far`, all real, on one regtest chain. The channel with
 * the peer has at least 500,000 sat on each side. The one from the peer to `far` is private, smaller
 * than the first, and the peer takes a fee for forwarding (at least one msat).
 */
export interface LightningWorld {
  /** The backend that is tried. */
  readonly node: LightningNode;
  readonly peer: WorldPeer;
  readonly far: WorldPeer;
  /** Kills the node's process without warning. */
  kill(): Promise<void>;
  /** Starts it again; resolves when the channel with the peer can be used. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The ways to fail that are tried, and the class that each must have. */
export const failureCases = {
  'an expired invoice': 'expired',
  'an invoice of another chain': 'wrong_network',
  'something that is no invoice': 'invalid',
  'another amount than the invoice asks for': 'amount_out_of_range',
  'more than the own channels can send': 'insufficient_local_balance',
  'more than a channel further on can forward': 'insufficient_capacity',
  'a fee limit below the cheapest route': 'fee_limit',
  'a recipient whom no channel leads to': 'no_route',
  'a recipient who refuses': 'recipient_rejected',
  'an own peer who is not connected': 'peer_offline',
} as const satisfies Record<string, LightningFailureClass>;
export type FailureCase = keyof typeof failureCases;

export type ContractOptions = {
  /**
   * Where a backend can not tell more: the class that it gives instead, with the reason as a comment
   * at the caller. Null: the case can not be made with this backend.
   */
  failures?: Partial<Record<FailureCase, LightningFailureClass | null>>;
  /** Cases that can not be made with this backend, with the reason as a comment at the caller. */
  without?: readonly ContractCase[];
};
export type ContractCase = 'held' | 'refused while away' | 'no amount';

/** How long anything may take on a machine that is busy with other tests. */
export const PATIENCE_MS = 30_000;
const POLL_MS = 50;

export const randomHash = (): { preimage: string; paymentHash: string } => {
  const preimage = randomBytes(32).toString('hex');
  return { preimage, paymentHash: hashOf(preimage) };
};

export const hashOf = (preimage: string): string =>
  createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');

export const invoiceOf = (
  node: LightningNode,
  request: Partial<Parameters<LightningNode['createInvoice']>[0]> = {},
): Promise<NodeInvoice> =>
  node.createInvoice({
    ...{ amountMsat: 20_000_000n, description: 'contract', expirySeconds: 600 },
    ...request,
  });

/** Pays an invoice and waits for the end; 5,000 sat for fees unless told. */
export const payInvoice = (
  node: LightningNode,
  invoice: Pick<NodeInvoice, 'bolt11' | 'paymentHash' | 'amountMsat'>,
  options: { amountMsat?: Msats; maxFeeMsat?: Msats; waitMs?: number; notAfterMs?: number } = {},
): Promise<PaymentOutcome> =>
  node.pay({
    destination: { bolt11: invoice.bolt11 },
    paymentHash: invoice.paymentHash,
    amountMsat: options.amountMsat ?? invoice.amountMsat ?? 0n,
    maxFeeMsat: options.maxFeeMsat ?? 5_000_000n,
    timeoutMs: PATIENCE_MS,
    waitMs: options.waitMs ?? PATIENCE_MS,
    ...(options.notAfterMs === undefined ? {} : { notAfterMs: options.notAfterMs }),
  });

/** Asks until the answer is as wanted. */
export async function eventually<T>(ask: () => Promise<T>, check: (value: T) => void): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await ask();
    try {
      check(value);
      return value;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** The end of a payment, however long it takes; fails the test when it stays open. */
export const outcomeOf = (node: LightningNode, paymentHash: string): Promise<PaymentOutcome> =>
  eventually(
    () => node.trackPayment(paymentHash),
    ({ state }) => expect(['succeeded', 'failed']).toContain(state),
  );

/** The journal's newest cursor. */
export async function newestCursor(node: LightningNode): Promise<string | null> {
  let cursor: string | null = null;
  for (;;) {
    const page = await node.eventsSince(cursor, 100);
    ({ cursor } = page);
    if (!page.hasMore) return cursor;
  }
}

/** All events after a cursor, read in pages of one to try the paging too. */
export async function eventsAfter(node: LightningNode, cursor: string | null) {
  const events = [];
  let at = cursor;
  for (;;) {
    const page = await node.eventsSince(at, 1);
    events.push(...page.events);
    at = page.cursor;
    if (!page.hasMore) return events;
  }
}
