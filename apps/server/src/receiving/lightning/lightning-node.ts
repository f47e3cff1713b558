import type { LightningFailureClass, LightningNodeKind } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';

/**
 * What Quittance asks of a Lightning node, whatever its kind (ADR 0014). Payment hashes, preimages
 * and public keys are lower-case hexadecimal; amounts are millisatoshis; times are milliseconds
 * since 1970. A capability that a backend does not declare is never called.
 */
export type LightningNode = {
  readonly kind: LightningNodeKind;
  readonly capabilities: LightningCapabilities;
  /** @throws {LightningNodeError} `unreachable`, `unauthorized`, or `wrong_network` */
  info(): Promise<LightningInfo>;
  /** Twice with the same `paymentHash` gives the same invoice. */
  createInvoice(request: NewInvoice): Promise<NodeInvoice>;
  /** Null when the node has none of that hash. */
  lookupInvoice(paymentHash: string): Promise<NodeInvoice | null>;
  /** After this the invoice can not be paid any more; one that is paid stays as it is. */
  cancelInvoice(paymentHash: string): Promise<void>;
  /** Takes a held payment in (capability `holdInvoices`). */
  settleInvoice(preimage: string): Promise<void>;
  /**
   * Sends, and waits for the outcome at most `waitMs`. The caller has stored the payment hash
   * before. Never throws for what may have been sent: that is `unknown`, to be tracked.
   */
  pay(request: NewPayment): Promise<PaymentOutcome>;
  /** What has become of a payment, by its hash. */
  trackPayment(paymentHash: string): Promise<PaymentOutcome>;
  channels(): Promise<readonly LightningChannel[]>;
  balances(): Promise<LightningBalances>;
  /**
   * What has happened since a cursor, oldest first, at most `limit`: settled and held invoices, and
   * payments that ended. The first call passes null. The same event may come again.
   */
  eventsSince(cursor: string | null, limit: number): Promise<LightningEventPage>;
  /** Calls back soon after something happened; only a doorbell. Gives a way to stop it. */
  onEvent(ring: () => void): () => void;
  /**
   * BOLT12 (capability `offers`): an invoice for an offer (`lno…`), fetched from its issuer.
   * @throws {OfferRefusal} when the issuer gives none; {LightningNodeError} when our node does not answer
   */
  fetchInvoice?(request: { offer: string; amountMsat: Msats | null }): Promise<OfferInvoice>;
  /** BOLT12 (capability `offers`): an offer of our own that can be paid once. */
  createOffer?(request: NewOffer): Promise<NodeOffer>;
  /** After this nobody gets an invoice for it, and those that were given can not be paid. */
  withdrawOffer?(offerId: string): Promise<void>;
  /**
   * What the credentials allow and Quittance never needs, such as sending coins. Left out where a
   * backend can not tell.
   * @throws {LightningNodeError} `unreachable`
   */
  excessiveRights?(): Promise<readonly string[]>;
  close(): Promise<void>;
};

export type LightningCapabilities = {
  readonly holdInvoices: boolean;
  readonly offers: boolean;
  readonly keysend: boolean;
  /** Invoices with a hash instead of a description (LNURL-pay wants them). */
  readonly descriptionHash: boolean;
  /** `channels` tells each channel's sides; without it, prediction knows only the sums. */
  readonly channels: boolean;
  /** A fee limit of a payment is kept by the node itself. */
  readonly feeLimit: boolean;
};

export type LightningInfo = {
  readonly nodeId: string;
  readonly alias: string;
  readonly network: 'mainnet' | 'testnet' | 'signet' | 'regtest';
  readonly blockHeight: number;
  /** False while the node catches up with the chain. */
  readonly synced: boolean;
  readonly version: string;
  /** `host:port` that peers can reach it at, where it says. */
  readonly uris: readonly string[];
};

export type NewInvoice = {
  /** Null: the payer chooses. */
  readonly amountMsat: Msats | null;
  /**
   * Or the hash of a longer one (capability `descriptionHash`). `text` is what was hashed: a node that
   * hashes by itself refuses without it.
   */
  readonly description: string | { readonly sha256: string; readonly text?: string };
  readonly expirySeconds: number;
  /** A hold invoice for this hash; the preimage is somebody else's to know. */
  readonly holdPaymentHash?: string;
};

export type NodeInvoice = {
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly amountMsat: Msats | null;
  readonly expiresAtMs: number;
  /** held: a payment waits for `settleInvoice` or `cancelInvoice`. */
  readonly state: 'open' | 'held' | 'settled' | 'cancelled';
  readonly receivedMsat: Msats;
  readonly settledAtMs: number | null;
  readonly preimage: string | null;
};

export type NewPayment = {
  /** BOLT11, or for keysend (capability) the recipient's node id. */
  readonly destination:
    | { readonly bolt11: string }
    | { readonly bolt12Invoice: string; readonly offer: string }
    | { readonly keysendTo: string; readonly preimage: string };
  readonly paymentHash: string;
  readonly amountMsat: Msats;
  readonly maxFeeMsat: Msats;
  /** How long the node may go on trying by itself. */
  readonly timeoutMs: number;
  /** How long the caller waits here for an answer. */
  readonly waitMs: number;
  /**
   * Nothing of it is given to the node from this time on. The backend looks at its clock in the very
   * moment in which it writes the request, after all connecting and waiting: a process that stood
   * still in between must not send what others have given up meanwhile. Left out: at any time.
   */
  readonly notAfterMs?: number;
};

export type PaymentOutcome =
  | {
      readonly state: 'succeeded';
      readonly preimage: string;
      /** What the recipient got. */
      readonly amountMsat: Msats;
      readonly feeMsat: Msats;
      readonly endedAtMs: number | null;
    }
  /** For certain and for ever: nothing of it can still arrive. */
  | { readonly state: 'failed'; readonly failure: LightningFailure }
  | { readonly state: 'in_flight' }
  /** The node has never heard of it. */
  | { readonly state: 'not_found' }
  /** The node did not say. It may have been sent. */
  | { readonly state: 'unknown'; readonly detail: string };

export type LightningFailure = {
  readonly failureClass: LightningFailureClass;
  /** The backend's own code and words, for the operator. */
  readonly code: string;
  readonly detail: string;
  /** Short channel id (`800000x12x1`) or node id that failed, where the backend says. */
  readonly at: string | null;
};

/**
 * The code of a failure (`peer_offline`) that a peer of the node's own caused, the same for every
 * backend: nothing has left, and it says nothing of the destination.
 */
export const OWN_PEERS_OFFLINE = 'own_peers_offline';

export type LightningChannel = {
  readonly id: string;
  readonly shortChannelId: string | null;
  readonly peerId: string;
  readonly isActive: boolean;
  readonly isPublic: boolean;
  readonly capacityMsat: Msats;
  readonly localMsat: Msats;
  readonly remoteMsat: Msats;
  /** What can be sent or received now, after reserves and what is in flight. */
  readonly sendableMsat: Msats;
  readonly receivableMsat: Msats;
};

export type LightningBalances = {
  /** Ours in open channels, without what is in flight outwards. */
  readonly channelsMsat: Msats;
  /** Of payments that we send and whose outcome is open. */
  readonly inFlightMsat: Msats;
  readonly onchainSats: bigint;
  readonly sendableMsat: Msats;
  readonly receivableMsat: Msats;
};

export type LightningEvent =
  | {
      readonly type: 'invoice_settled' | 'invoice_held';
      readonly paymentHash: string;
      readonly receivedMsat: Msats;
      readonly preimage: string | null;
      readonly atMs: number;
      /** Of the own offer that the invoice was made for (BOLT12). */
      readonly offerId?: string;
    }
  | {
      readonly type: 'payment_ended';
      readonly paymentHash: string;
      readonly outcome: PaymentOutcome;
    };

export type LightningEventPage = {
  readonly events: readonly LightningEvent[];
  readonly cursor: string;
  readonly hasMore: boolean;
};

export type NewOffer = {
  readonly amountMsat: Msats;
  readonly description: string;
  /** No invoice is given for it from then on. */
  readonly expiresAtMs: number;
};

export type NodeOffer = {
  readonly bolt12: string;
  /** 32 bytes; the same for nobody else's offer. */
  readonly offerId: string;
};

export type OfferInvoice = {
  readonly bolt12Invoice: string;
  readonly paymentHash: string;
  readonly amountMsat: Msats;
  readonly expiresAtMs: number;
  readonly description: string;
};
