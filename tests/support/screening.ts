import { randomBytes, randomFillSync } from 'node:crypto';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { z } from 'zod';
import type { TestApi } from './api.ts';

const madeVersion = z.object({ id: z.string() });

type Call = { path: string; key: string; body?: unknown };

/** A call for each POST about lists, on lists and versions that are made to fit. */
export async function screeningCalls(api: TestApi): Promise<Record<string, Call>> {
  const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
  const key = api.adminKey;
  const lists = '/v1/compliance/lists';
  const versions = '/v1/compliance/list-versions';
  for (const list of ['walked', 'walked-back']) {
    const body = { title: list, purpose: 'other', maxAgeHours: 24 };
    const put = await api.send('PUT', `${lists}/${list}`, { key, body });
    if (put.status !== 200) throw new Error(JSON.stringify(put.body));
  }
  const digest = randomBytes(32);
  const uploading = async () => {
    const body = { format: 'addresses' };
    const made = await api.send('POST', `${lists}/walked/versions`, { key, body });
    return madeVersion.parse(made.body).id;
  };
  const filled = await uploading();
  const imported = ids.next();
  const [former, present] = [ids.next(), ids.next()];
  await api.database.asSystem(async (tx) => {
    await tx.query(
      `INSERT INTO screening_upload_part (version_id, file, part, body) VALUES ($1, 'a.txt', 0, 'x')`,
      [filled],
    );
    const insert = (id: string, list: string, state: string) =>
      tx.query(
        `INSERT INTO screening_list_version (id, list, format, state, proposed_by, created_at, digest,
                entry_count, imported_at, delta, signed_off_by, effective_at, activated_at)
         VALUES ($1, $2, 'addresses', $3, 'key:somebody', now(), $4, 1, now(),
                '{"added":1,"removed":0,"changed":0,"unchanged":0,"sample":{"added":[],"removed":[],"changed":[]}}',
                'key:another', now(), now())`,
        [id, list, state, digest],
      );
    await insert(imported, 'walked', 'imported');
    await insert(former, 'walked-back', 'retired');
    await insert(present, 'walked-back', 'active');
    await tx.query(
      `INSERT INTO screening_switch (epoch, list, from_version, to_version, switched_at)
       SELECT coalesce(max(epoch), 0) + 1, 'walked-back', $1::uuid, $2::uuid, now() FROM screening_switch`,
      [former, present],
    );
  });
  return {
    [`${lists}/:list/versions`]: {
      ...{ path: `${lists}/walked/versions`, key, body: { format: 'ftm' } },
    },
    [`${lists}/:list/rollback`]: { path: `${lists}/walked-back/rollback`, key },
    [`${versions}/:version/import`]: { path: `${versions}/${filled}/import`, key },
    [`${versions}/:version/reject`]: { path: `${versions}/${await uploading()}/reject`, key },
    [`${versions}/:version/sign-off`]: {
      path: `${versions}/${imported}/sign-off`,
      ...{ key, body: { digest: digest.toString('hex') } },
    },
  };
}

/** What a store adds to its own list of addresses. */
export const ownAddressBody = {
  address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  verdict: 'block',
  reason: 'x',
};
