import { MAX_INT64 } from '@quittance/kernel';
import type { LedgerErrorCode } from './errors.ts';
import type { AccountDefinition, Leg, Transfer } from './transfer.ts';

/**
 * The ledger's rules over plain maps, written from the README: what the tests hold the database
 * against. One book; nothing here is meant to be fast.
 */
export type Model = {
  transfers: Map<string, Transfer>;
  accounts: Map<string, ModelAccount>;
  recordedAtMs: number;
  /** Balances after the last transfer that was recorded at a time. */
  balancesAt: Map<number, ReturnType<typeof modelBalances>>;
};

type ModelAccount = {
  definition: AccountDefinition;
  debitsPosted: bigint;
  creditsPosted: bigint;
  debitsPending: bigint;
  creditsPending: bigint;
};

export function emptyModel(): Model {
  return { transfers: new Map(), accounts: new Map(), recordedAtMs: 0, balancesAt: new Map() };
}

/** The model after the whole batch, or why the batch is refused as a whole. */
export function postToModel(
  model: Model,
  batch: readonly Transfer[],
): { model: Model; recorded: number } | { refused: LedgerErrorCode } {
  const next = structuredClone(model);
  let recorded = 0;
  for (const transfer of batch) {
    const known = next.transfers.get(transfer.id);
    const refused = findShapeFault(transfer) ?? findConflict(next, transfer, known);
    if (refused !== undefined) return { refused };
    if (known !== undefined) continue;
    const fault = apply(next, transfer);
    if (fault !== undefined) return { refused: fault };
    next.recordedAtMs = Math.max(next.recordedAtMs, transfer.recordedAtMs);
    next.transfers.set(transfer.id, structuredClone(transfer));
    next.balancesAt.set(next.recordedAtMs, modelBalances(next));
    recorded += 1;
  }
  return { model: next, recorded };
}

/** Balances as readBalances gives them. */
export function modelBalances(model: Pick<Model, 'accounts'>) {
  return [...model.accounts.values()]
    .sort((a, b) => (a.definition.code < b.definition.code ? -1 : 1))
    .map(({ definition, ...counters }) => ({ ...definition, ...counters }));
}

function findShapeFault(transfer: Transfer): LedgerErrorCode | undefined {
  const resolves = transfer.phase === 'post' || transfer.phase === 'void';
  if (resolves !== (transfer.pendingId !== undefined)) return 'invalid_transfer';
  if (transfer.legs.length < 2) return 'too_few_legs';
  for (const asset of new Set(transfer.legs.map((leg) => leg.account.asset))) {
    const legs = transfer.legs.filter((leg) => leg.account.asset === asset);
    if (total(legs, 'debit') !== total(legs, 'credit')) return 'unbalanced';
  }
  return undefined;
}

function total(legs: readonly Leg[], direction: string): bigint {
  return legs.reduce((sum, leg) => (leg.direction === direction ? sum + leg.amount : sum), 0n);
}

function findConflict(
  model: Model,
  transfer: Transfer,
  known: Transfer | undefined,
): LedgerErrorCode | undefined {
  if (known !== undefined) {
    return content(known) === content(transfer) ? undefined : 'transfer_mismatch';
  }
  if (transfer.pendingId === undefined) return undefined;
  const pending = model.transfers.get(transfer.pendingId);
  if (pending === undefined) return 'pending_not_found';
  if (pending.phase !== 'pending') return 'pending_not_pending';
  for (const { pendingId, phase } of model.transfers.values()) {
    if (pendingId !== pending.id) continue;
    return phase === 'post' ? 'pending_already_posted' : 'pending_already_voided';
  }
  return text(pending.legs) === text(transfer.legs) ? undefined : 'pending_mismatch';
}

function content(transfer: Transfer): string {
  const { id, bookId, template, phase, pendingId, effectiveAtMs, reference, legs } = transfer;
  const references = Object.entries(reference).sort(([a], [b]) => (a < b ? -1 : 1));
  return text([id, bookId, template, phase, pendingId ?? null, effectiveAtMs, references, legs]);
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? `${part}n` : part,
  );
}

function apply(model: Model, { legs, phase }: Transfer): LedgerErrorCode | undefined {
  for (const { account } of legs) {
    const known = model.accounts.get(account.code);
    if (known !== undefined && text(known.definition) !== text(account)) return 'account_mismatch';
    if (known !== undefined) continue;
    model.accounts.set(account.code, {
      definition: structuredClone(account),
      debitsPosted: 0n,
      creditsPosted: 0n,
      debitsPending: 0n,
      creditsPending: 0n,
    });
  }
  const touched = legs.flatMap(({ account }) => model.accounts.get(account.code) ?? []);
  legs.forEach((leg, i) => {
    const account = touched[i];
    if (account === undefined) return;
    const side = leg.direction === 'debit' ? 'debits' : 'credits';
    if (phase === 'single' || phase === 'post') account[`${side}Posted`] += leg.amount;
    if (phase === 'pending') account[`${side}Pending`] += leg.amount;
    if (phase === 'post' || phase === 'void') account[`${side}Pending`] -= leg.amount;
  });
  const counters = touched.flatMap((account) => [
    account.debitsPosted,
    account.creditsPosted,
    account.debitsPending,
    account.creditsPending,
  ]);
  if (counters.some((counter) => counter > MAX_INT64)) return 'overflow';
  return touched.some(isBelowZero) ? 'below_floor' : undefined;
}

function isBelowZero(account: ModelAccount): boolean {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
  const free =
    account.definition.kind === 'asset' || account.definition.kind === 'expense'
      ? debitsPosted - creditsPosted - creditsPending
      : creditsPosted - debitsPosted - debitsPending;
  return account.definition.floor && free < 0n;
}
