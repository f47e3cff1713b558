/**
 * What travels over the signer's socket: one JSON object a line, each way. Amounts are decimal
 * strings of satoshis, scripts and signatures lower-case hexadecimal, PSBTs base64 (BIP174).
 * This file holds names and limits only, so that the server may import it without any key code.
 */
import type { Network } from '@quittance/bitcoin';
import type { RefusalCode } from './refusals.ts';

export { type RefusalClass, type RefusalCode, refusalClasses } from './refusals.ts';

/** Raised when a field changes its meaning. */
export const PROTOCOL_VERSION = 1;

/**
 * Longest line that is read. A transaction of 500 segwit inputs comes with 500 previous
 * transactions; the largest standard one has 400 kB, the usual one 250 bytes.
 */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Most connections at a time: a few servers and workers, and a person who looks. */
export const MAX_CLIENTS = 16;

/** Most requests of one connection that wait for their turn, and their bytes together. */
export const MAX_WAITING_REQUESTS = 64;
export const MAX_WAITING_BYTES = 2 * MAX_LINE_BYTES;

/** A connection that has begun a line and sends nothing more is closed after so long. */
export const HALF_LINE_TIMEOUT_MS = 30_000;

/** Longest name of a wallet, approver or request. */
export const MAX_NAME_LENGTH = 64;
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** An approval must not outlive this, so that one that was forgotten dies by itself. */
export const MAX_APPROVAL_LIFETIME_MS = 30 * 24 * 3_600_000;

/**
 * Why a transaction is wanted.
 * `payouts`: pays approved payouts, the rest returns as change; a replacement of it (BIP125) too.
 * `consolidation`: own coins to own change.
 * `bump-child`: own coins, confirmed or not, to own change, to pay for a parent (CPFP).
 * `cancel`: replaces earlier transactions of the payouts that it names; everything returns.
 */
export const signKinds = ['payouts', 'consolidation', 'bump-child', 'cancel'] as const;
export type SignKind = (typeof signKinds)[number];

/** Who bears the network fee: the sender, or the recipient, whose output is lowered by a share. */
export type FeeFrom = 'sender' | 'recipient';

/** An approver's signature over one payout, see `approvalMessage`. */
export type Approval = {
  /** Id of the approver in the signer's policy. */
  approver: string;
  expiresAtMs: number;
  /** Ed25519, 64 bytes, hexadecimal. */
  signature: string;
};

/** What a payout is, as its approvers and the signer see it. */
export type PayoutTerms = {
  /** UUID in canonical lower-case form. It is paid at most once, for ever. */
  payoutId: string;
  /** Output script, hexadecimal. */
  script: string;
  amountSats: string;
  feeFrom: FeeFrom;
  /** By how much the output may be lower than the amount; "0" when the sender pays the fee. */
  maxFeeShareSats: string;
};

export type PayoutRequest = PayoutTerms & { approvals: readonly Approval[] };

export type SignParams = {
  /**
   * Names this request: the same request again has the same answer. At most
   * {@link MAX_NAME_LENGTH} characters of {@link NAME}.
   */
  requestId: string;
  wallet: string;
  kind: SignKind;
  /** BIP174 version 0, with the BIP32 path of each input and of each change output. */
  psbt: string;
  /** Paid by this transaction; for `cancel` those that it cancels (their approvals are not read). */
  payouts: readonly PayoutRequest[];
};

export type SignResult = {
  /** With our signatures, finalised when `complete`. */
  psbt: string;
  /** False while a multisig wallet lacks the signatures of others. */
  complete: boolean;
  /** Displayed form; when `complete`. */
  txid?: string;
  /** Ready for broadcast, hexadecimal; when `complete`. */
  rawTransaction?: string;
};

export type WalletInfo = {
  name: string;
  network: Network;
  /** Public, with its checksum; receiving is branch 0, change is branch 1. */
  descriptor: string;
  kind: string;
  /** Signatures needed: 1, or the multisig's threshold. */
  threshold: number;
  /** One above the highest change index that was signed for: how far a restore must look. */
  nextChangeIndex: number;
};

export type PolicySummary = {
  revision: number;
  approvers: readonly { id: string; publicKey: string; maxSatsPerPayout: string | null }[];
  rules: readonly { aboveSats: string; approvals: number }[];
  maxFeeRateSatPerVb: number;
  maxFeeSats: string;
  maxFeeShareBps: number;
  perPayoutMaxSats: string;
  maxInputs: number;
  maxOutputs: number;
  /** Whether only listed destinations are paid, and how many are listed. */
  allowList: number | null;
  denyList: number;
};

export type WindowState = {
  seconds: number;
  maxSats: string;
  maxCount: number;
  /** What can still be signed for now. */
  leftSats: string;
  leftCount: number;
};

export type Description = {
  version: string;
  protocol: number;
  network: Network;
  /** A signer listens only once it is unlocked, so this is false wherever it is read. */
  locked: boolean;
  wallets: readonly WalletInfo[];
  policy: PolicySummary;
  windows: readonly WindowState[];
  /**
   * Length and last hash of the audit log. A client that remembers them notices when the signer's
   * folder was put back to an older state: the length goes down, or the same length has another
   * hash.
   */
  log: { entries: number; head: string };
};

export type AuditTailParams = { limit?: number };
/** Most lines that `audit-tail` gives at once. */
export const MAX_AUDIT_TAIL = 200;

export type Methods = {
  ping: { params: Record<string, never>; result: { pong: true; nowMs: number } };
  describe: { params: Record<string, never>; result: Description };
  sign: { params: SignParams; result: SignResult };
  'audit-tail': { params: AuditTailParams; result: { lines: readonly string[] } };
};
export type Method = keyof Methods;
export const methods: readonly Method[] = ['ping', 'describe', 'sign', 'audit-tail'];

export type WireRequest = { id: number; method: Method; params: unknown };
export type WireAnswer =
  | { id: number; result: unknown }
  | { id: number | null; error: { code: RefusalCode; reason: string } };
