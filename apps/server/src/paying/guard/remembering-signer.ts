import { type SignerClient, SignerUnavailableError } from '@quittance/signer/client';
import { MAX_AUDIT_TAIL } from '@quittance/signer/protocol';
import type { Database } from '../../platform/db/index.ts';
import { hold, readGuard, rememberSigner, type SignerLog } from './store.ts';

/** Entries that others may add while the log is looked at. */
const TAIL_SLACK = 50;

/**
 * A signer that is asked to sign only while it remembers at least what this database saw it
 * remember. One that was made anew from its words, or put back to an older copy, has forgotten what
 * it signed and would sign a payout a second time: then everything is held until a person has
 * compared the payouts with the chain. The log is looked at before each signature, because a signer
 * may be exchanged while the server runs.
 */
export function rememberingSigner(signer: SignerClient, database: Database): SignerClient {
  return {
    ...signer,
    async sign(params) {
      const reason = await forgotten(signer, database);
      if (reason !== null) {
        await database.asSystem((tx) => hold(tx, reason));
        throw new SignerUnavailableError(reason);
      }
      const signed = await signer.sign(params);
      // Where it is gone by now, the next signature notes it.
      const described = await signer.describe().catch(() => null);
      if (described !== null) {
        await database.asSystem((tx) => rememberSigner(tx, described.log));
      }
      return signed;
    },
  };
}

/** Null when it remembers; else what is wrong with it. */
async function forgotten(signer: SignerClient, database: Database): Promise<string | null> {
  // Read first: what it is compared with must be older, for others have things signed meanwhile.
  const { signer: known } = await database.asSystem((tx) => readGuard(tx));
  const { log } = await signer.describe();
  if (known === null) {
    await database.asSystem((tx) => rememberSigner(tx, log));
    return null;
  }
  if (await isContinued(signer, known, log)) return null;
  return (
    `the signer has forgotten what it signed: its log has ${log.entries} entries and does not ` +
    `continue the one of ${known.entries} that is known here (runbook backup-restore)`
  );
}

async function isContinued(
  signer: SignerClient,
  known: SignerLog,
  now: SignerLog,
): Promise<boolean> {
  if (now.entries < known.entries) return false;
  if (now.entries === known.entries) return now.head === known.head;
  // The known last line must stand where it stood. Farther back than can be asked, length must do.
  const wanted = now.entries - known.entries + 1;
  const { lines } = await signer.auditTail({ limit: MAX_AUDIT_TAIL });
  if (wanted > MAX_AUDIT_TAIL - TAIL_SLACK || lines.length < wanted || known.entries === 0) {
    return true;
  }
  return lines.some((line) => line.includes(`"hash":"${known.head}"`));
}
