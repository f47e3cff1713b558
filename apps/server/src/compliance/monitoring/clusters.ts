import { mergeStructuring } from './rules/structuring.ts';
import type { States } from './state.ts';

/** In which group a party is; the group is named after its first member. */
export type MemberState = { readonly cluster: string };
export type ClusterState = { readonly members: readonly string[] };
/** Who had it first. */
export type LinkState = { readonly party: string };

/**
 * So many parties act together at most. What links more is no person's wallet but a service that
 * nobody has labelled, and linking its users would make everybody everybody's accomplice.
 */
export const MAX_CLUSTER = 12;
/** Of one movement: a transaction may have a thousand inputs. */
export const MAX_LINKS = 8;

/**
 * Notes what a party has in common with others and joins their groups (union-find whose sets are
 * small enough to be rewritten, so that every lookup is one step).
 * @returns the name of the party's group
 */
export function linkParty(states: States, party: string, links: readonly string[]): string {
  let own = clusterOf(states, party);
  for (const link of links.slice(0, MAX_LINKS)) {
    const known = states.get('link', link);
    if (known === null) states.set('link', link, { party });
    else if (known.party !== party) own = join(states, own, clusterOf(states, known.party));
  }
  return own;
}

function clusterOf(states: States, party: string): string {
  return states.get('member', party)?.cluster ?? party;
}

function membersOf(states: States, cluster: string): readonly string[] {
  return states.get('cluster', cluster)?.members ?? [cluster];
}

/** @returns the group that the first one's parties are in afterwards */
function join(states: States, a: string, b: string): string {
  if (a === b) return a;
  const [ofA, ofB] = [membersOf(states, a), membersOf(states, b)];
  if (ofA.length + ofB.length > MAX_CLUSTER) return a;
  // The larger group keeps its name, so that fewer rows change.
  const [into, from] = ofB.length > ofA.length ? [b, a] : [a, b];
  const members = [...membersOf(states, into), ...membersOf(states, from)];
  states.set('cluster', into, { members });
  states.set('cluster', from, null);
  for (const member of members) states.set('member', member, { cluster: into });
  const merged = mergeStructuring(
    states.get('structuring', into),
    states.get('structuring', from),
  );
  states.set('structuring', into, merged);
  states.set('structuring', from, null);
  return into;
}
