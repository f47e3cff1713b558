import type { Tx } from '../../platform/db/index.ts';

/** Why everything that pays out waits, and what the signer's log looked like last. */
export type Guard = {
  readonly caughtUpAt: Date | null;
  readonly heldReason: string | null;
  readonly signer: SignerLog | null;
};

/** Length and last hash of the signer's audit log (ADR 0009). */
export type SignerLog = { readonly entries: number; readonly head: string };

export async function readGuard(tx: Tx): Promise<Guard> {
  const row = await tx.one<{
    caught_up_at: Date | null;
    held_reason: string | null;
    signer_entries: bigint | null;
    signer_head: string | null;
  }>('SELECT caught_up_at, held_reason, signer_entries, signer_head FROM money_out_guard');
  const { signer_entries: entries, signer_head: head } = row;
  return {
    caughtUpAt: row.caught_up_at,
    heldReason: row.held_reason,
    signer: entries === null || head === null ? null : { entries: Number(entries), head },
  };
}

/** The database's own clock: the processes that compare its times may run on different machines. */
export async function readDatabaseTime(tx: Tx): Promise<Date> {
  return (await tx.one<{ now: Date }>('SELECT clock_timestamp() AS now')).now;
}

/** A watcher has everything on record that the node knows. */
export async function markCaughtUp(tx: Tx): Promise<void> {
  await tx.query('UPDATE money_out_guard SET caught_up_at = clock_timestamp()');
}

/** Stops all that pays out until a person lets it go on. The first reason stays. */
export async function hold(tx: Tx, reason: string): Promise<void> {
  await tx.query(
    `UPDATE money_out_guard SET held_at = clock_timestamp(), held_reason = $1
      WHERE held_at IS NULL`,
    [reason],
  );
}

/**
 * Lets everything go on, single wallets as well; the signer that is there next is the one that is
 * remembered from then on.
 */
export async function release(tx: Tx): Promise<void> {
  await tx.query('DELETE FROM wallet_hold');
  await tx.query(
    `UPDATE money_out_guard SET held_at = NULL, held_reason = NULL, signer_entries = NULL,
            signer_head = NULL`,
  );
}

/** Notes how long the signer's log is. Older news changes nothing. */
export async function rememberSigner(tx: Tx, { entries, head }: SignerLog): Promise<void> {
  await tx.query(
    `UPDATE money_out_guard SET signer_entries = $1, signer_head = $2
      WHERE held_at IS NULL AND (signer_entries IS NULL OR signer_entries < $1)`,
    [entries, head],
  );
}
