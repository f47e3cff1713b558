import type { RefusalCode, SignKind } from '../protocol.ts';

/** One output of a request, as far as it was understood. */
export type LoggedOutput = {
  script: string;
  sats: string;
  role: 'change' | 'payout' | 'unchecked';
  payoutId?: string;
  index?: number;
};

/** A payout of a signed transaction. */
export type LoggedPayout = {
  id: string;
  /** Hash of wallet, script and amount: it must be the same whenever the payout is signed again. */
  terms: string;
  sats: string;
  /** Signed before, in a transaction that conflicts with this one. */
  again: boolean;
};

/** What happened, without the links of the chain. Nothing in here is secret. */
export type AuditEvent =
  | { method: 'start'; version: string; policy: string; wallets: string; tornBytes?: number }
  | { method: 'stop' }
  | { method: 'policy'; policy: string; revision: number }
  | { method: 'wallets'; wallets: string; revision: number; names: readonly string[] }
  | SignedEvent
  | RefusedEvent;

export type SignedEvent = {
  method: 'sign';
  decision: 'signed';
  requestId: string;
  /** Hash of the request without its approvals. */
  digest: string;
  wallet: string;
  kind: SignKind;
  /** Of the unsigned transaction; nested segwit has another once it is signed. */
  txid: string;
  inputs: readonly string[];
  outputs: readonly LoggedOutput[];
  payouts: readonly LoggedPayout[];
  feeSats: string;
  vsize: number;
  approvers: readonly string[];
  complete: boolean;
  /** What it counts in the windows: nothing when the same request is answered again. */
  countedSats: string;
  countedPayouts: number;
};

export type RefusedEvent = {
  method: 'sign';
  decision: 'refused';
  code: RefusalCode;
  reason: string;
  requestId: string | null;
  wallet: string | null;
  kind: SignKind | null;
  payoutIds: readonly string[];
  txid: string | null;
  outputs: readonly LoggedOutput[];
};

/** An event with its place in the chain, as a line holds it. */
export type AuditEntry = AuditEvent & {
  seq: number;
  atMs: number;
  /** Requests that only read, since the entry before. */
  reads?: Readonly<Record<string, number>>;
  /** Hash of the entry before; 64 zeros for the first. */
  prev: string;
};
