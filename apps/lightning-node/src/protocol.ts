/**
 * What travels over the node's socket: one JSON object a line, each way. Amounts are decimal strings
 * of millisatoshis unless their name says satoshis; hashes, preimages and node ids are lower-case
 * hexadecimal; times are milliseconds since 1970.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { z } from 'zod';

/** Raised when a field changes its meaning. */
export const PROTOCOL_VERSION = 1;
/** Longest line that is read: an invoice has at most 7,089 characters, a page of events more. */
export const MAX_LINE_BYTES = 1024 * 1024;
/** Most connections at a time: servers and workers of one machine, and a test. */
export const MAX_CLIENTS = 32;
/** Most requests of one connection that are being worked on. */
export const MAX_WAITING_REQUESTS = 256;
/** Most events that are given at once. */
export const MAX_EVENTS = 500;
/** Longest time that a caller may wait for an outcome. */
export const MAX_WAIT_MS = 600_000;
/** One year: what fits into an invoice and makes sense. */
export const MAX_EXPIRY_SECONDS = 31_536_000;

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
// Checked here, since LDK panics on a point that is on no curve, and a panic ends the process.
const nodeId = z
  .string()
  .regex(/^0[23][0-9a-f]{64}$/)
  .refine((text) => secp256k1.utils.isValidPublicKey(Buffer.from(text, 'hex'), true), {
    message: 'no point of the curve',
  });
/** 21 million bitcoin in millisatoshis; more has no meaning, whatever it is asked for. */
const MAX_MSAT = 2_100_000_000_000_000_000n;
const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/)
  .transform((text) => BigInt(text))
  .refine((value) => value <= MAX_MSAT, { message: 'more than there is' });
const positive = amount.refine((value) => value > 0n, { message: 'nothing' });
/** What a field of an invoice holds (BOLT11). */
const MAX_DESCRIPTION_BYTES = 639;
const description = z
  .string()
  .refine((text) => text.isWellFormed() && Buffer.byteLength(text) <= MAX_DESCRIPTION_BYTES, {
    message: `at most ${MAX_DESCRIPTION_BYTES} bytes of whole characters`,
  });
const address = z.string().regex(/^[^\s:]+:[0-9]{1,5}$/);

export const requests = {
  info: z.object({}),
  'create-invoice': z.object({
    amountMsat: positive.nullable(),
    description: z.union([description, z.object({ sha256: hex32 })]),
    expirySeconds: z.int().min(1).max(MAX_EXPIRY_SECONDS),
    holdPaymentHash: hex32.nullish(),
    /** False leaves out the private channels: then only public ones lead here. For tests. */
    withHints: z.boolean().default(true),
  }),
  'lookup-invoice': z.object({ paymentHash: hex32 }),
  'cancel-invoice': z.object({ paymentHash: hex32 }),
  'settle-invoice': z.object({ preimage: hex32 }),
  pay: z.object({
    destination: z.union([
      z.object({ bolt11: z.string().max(7_089) }),
      z.object({ keysendTo: nodeId, preimage: hex32 }),
    ]),
    paymentHash: hex32,
    amountMsat: amount,
    maxFeeMsat: amount,
    timeoutMs: z.int().min(0).max(MAX_WAIT_MS),
    waitMs: z.int().min(0).max(MAX_WAIT_MS),
    /** Refused (`too_late`) when it is read from this time on, by the clock that both sides have. */
    notAfterMs: z.int().min(0).optional(),
  }),
  'track-payment': z.object({ paymentHash: hex32 }),
  channels: z.object({}),
  balances: z.object({}),
  events: z.object({
    after: z.int().min(0).nullable(),
    limit: z.int().min(1).max(MAX_EVENTS),
  }),
  /** From now on the connection hears a bell at each new event. */
  subscribe: z.object({}),
  peers: z.object({}),
  /** Connects and remembers the address: it is connected again whenever it is lost. */
  'connect-peer': z.object({ nodeId, address }),
  /** Ends the connection and forgets the address. */
  'disconnect-peer': z.object({ nodeId }),
  'new-address': z.object({}),
  'open-channel': z.object({
    nodeId,
    capacitySats: amount,
    pushMsat: amount,
    isPublic: z.boolean(),
  }),
  'close-channel': z.object({ channelId: hex32, force: z.boolean() }),
  /** Reads the chain to its tip now. */
  sync: z.object({}),
  /**
   * What is done with payments that arrive. `hold` keeps them without ever taking or refusing them,
   * `reject` refuses them: the recipients that nobody wishes for.
   */
  behave: z.object({
    incoming: z.enum(['accept', 'reject', 'hold']).optional(),
    acceptKeysend: z.boolean().optional(),
    /** False: no connection to any peer, and none is taken. */
    online: z.boolean().optional(),
  }),
} as const;

export type Method = keyof typeof requests;
export type Params<M extends Method> = z.output<(typeof requests)[M]>;
export type WireParams<M extends Method> = z.input<(typeof requests)[M]>;

export type WireInvoice = {
  paymentHash: string;
  bolt11: string;
  amountMsat: string | null;
  expiresAtMs: number;
  state: 'open' | 'held' | 'settled' | 'cancelled';
  receivedMsat: string;
  settledAtMs: number | null;
  preimage: string | null;
};

/** Why a payment ended without arriving; the embedded backend has the class of each. */
export const failureCodes = [
  'invoice_expired',
  'invoice_malformed',
  'invoice_unknown_features',
  'wrong_network',
  'amount_mismatch',
  'hash_mismatch',
  'own_invoice',
  'already_paid',
  'no_channels',
  'own_peers_offline',
  'own_balance_too_low',
  'route_not_found',
  'route_too_expensive',
  'route_too_small',
  'channel_failed',
  'channel_disabled',
  'next_peer_unknown',
  'recipient_rejected',
  'features_unknown',
  'not_sent',
  'too_late',
] as const;
export type FailureCode = (typeof failureCodes)[number];

export type WireFailure = { code: FailureCode; detail: string; at: string | null };

export type WireOutcome =
  | {
      state: 'succeeded';
      preimage: string;
      amountMsat: string;
      feeMsat: string;
      endedAtMs: number;
    }
  | { state: 'failed'; failure: WireFailure; endedAtMs: number }
  | { state: 'in_flight' }
  | { state: 'not_found' };

export type WireChannel = {
  id: string;
  shortChannelId: string | null;
  fundingOutpoint: string | null;
  peerId: string;
  isPeerOnline: boolean;
  isActive: boolean;
  isPublic: boolean;
  capacityMsat: string;
  localMsat: string;
  remoteMsat: string;
  sendableMsat: string;
  receivableMsat: string;
  /** Of payments on their way in either direction. */
  pendingMsat: string;
};

export type WireEvent = { cursor: number } & (
  | {
      type: 'invoice_settled' | 'invoice_held';
      paymentHash: string;
      receivedMsat: string;
      preimage: string | null;
      atMs: number;
    }
  | { type: 'payment_ended'; paymentHash: string; outcome: WireOutcome }
);

export type Results = {
  info: {
    protocol: number;
    nodeId: string;
    alias: string;
    network: 'regtest';
    blockHeight: number;
    isSynced: boolean;
    version: string;
    /** `host:port`, or null while it takes no connections. */
    listensOn: string | null;
    lastEvent: number;
  };
  'create-invoice': WireInvoice;
  'lookup-invoice': WireInvoice | null;
  'cancel-invoice': Record<string, never>;
  'settle-invoice': Record<string, never>;
  pay: WireOutcome;
  'track-payment': WireOutcome;
  channels: readonly WireChannel[];
  balances: {
    channelsMsat: string;
    inFlightMsat: string;
    onchainSats: string;
    sendableMsat: string;
    receivableMsat: string;
    /** What closed channels still owe us on the chain. */
    closingSats: string;
  };
  events: { events: readonly WireEvent[]; cursor: number; hasMore: boolean };
  subscribe: Record<string, never>;
  peers: readonly { nodeId: string; isOnline: boolean; address: string | null }[];
  'connect-peer': Record<string, never>;
  'disconnect-peer': Record<string, never>;
  'new-address': { address: string };
  'open-channel': { channelId: string; fundingTxid: string };
  'close-channel': Record<string, never>;
  sync: { blockHeight: number };
  behave: Record<string, never>;
};

export type WireRequest = { id: number; method: string; params: unknown };
export type WireAnswer =
  | { id: number; result: unknown }
  | { id: number | null; error: { code: string; reason: string } };
/** Sent without being asked after `subscribe`: the cursor of the newest event. */
export type WireBell = { bell: number };
