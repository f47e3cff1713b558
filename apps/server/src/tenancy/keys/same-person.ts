import { isUuid, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readRoots } from './store.ts';

/** How `actorOf` names a key. */
const KEY = /^key:(.+)$/;

/**
 * Which of these actors count as the same person as `by`, by itself too: keys that come from the same
 * first key. Whoever may make keys knows what he has made, so however many of them approve, it is his
 * word. A second person gets a key from the administrator.
 * @param others as `actorOf` names them
 */
export async function samePersonAs(
  tx: Tx,
  by: string,
  others: Iterable<string>,
): Promise<ReadonlySet<string>> {
  const all = [...new Set([by, ...others])];
  const roots = await readRoots(
    tx,
    all.flatMap((actor) => keyOf(actor) ?? []),
  );
  const rootOf = (actor: string): string => {
    const key = keyOf(actor);
    return (key === null ? undefined : roots.get(key)) ?? actor;
  };
  return new Set(all.filter((actor) => rootOf(actor) === rootOf(by)));
}

function keyOf(actor: string): Uuid | null {
  const id = KEY.exec(actor)?.[1] ?? '';
  return isUuid(id) ? id : null;
}
