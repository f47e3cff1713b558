import type { Tx } from '../../../platform/db/index.ts';

export type RescreenRun = { epoch: bigint; position: string | null; screened: bigint };

/** Takes the run that is open, until the lease ends. There is one at most: a switch ends the others. */
export async function claimRescreen(
  tx: Tx,
  { nowMs, leaseMs }: { nowMs: number; leaseMs: number },
): Promise<RescreenRun | undefined> {
  return await tx.maybe<RescreenRun>(
    `UPDATE screening_rescreen SET claimed_until = $2
      WHERE epoch = (SELECT epoch FROM screening_rescreen
                      WHERE state = 'open' AND (claimed_until IS NULL OR claimed_until < $1)
                      ORDER BY epoch DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING epoch, position, screened`,
    [new Date(nowMs), new Date(nowMs + leaseMs)],
  );
}

/** Notes a page and keeps the claim. @returns false when a later switch has ended the run */
export async function noteRescreenPage(
  tx: Tx,
  page: { epoch: bigint; position: string; screened: number; untilMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE screening_rescreen SET position = $2, screened = screened + $3, claimed_until = $4
      WHERE epoch = $1 AND state = 'open' RETURNING 1 AS noted`,
    [page.epoch, page.position, page.screened, new Date(page.untilMs)],
  );
  return rows.length > 0;
}

export async function finishRescreen(
  tx: Tx,
  end: { epoch: bigint; screened: number; nowMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE screening_rescreen SET state = 'done', screened = screened + $2, finished_at = $3,
            claimed_until = NULL
      WHERE epoch = $1 AND state = 'open'`,
    [end.epoch, end.screened, new Date(end.nowMs)],
  );
}

/** Lets the next worker go on at once. */
export async function releaseRescreen(tx: Tx, epoch: bigint): Promise<void> {
  await tx.query('UPDATE screening_rescreen SET claimed_until = NULL WHERE epoch = $1', [epoch]);
}

/** How far the re-screening of the newest switch is. */
export async function readLatestRescreen(tx: Tx): Promise<
  | {
      epoch: bigint;
      state: 'open' | 'done' | 'superseded';
      screened: bigint;
      createdAt: Date;
      finishedAt: Date | null;
    }
  | undefined
> {
  return await tx.maybe(
    `SELECT epoch, state, screened, created_at AS "createdAt", finished_at AS "finishedAt"
       FROM screening_rescreen ORDER BY epoch DESC LIMIT 1`,
  );
}
