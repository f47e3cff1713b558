import type { States } from './state.ts';

/** Which things a party has in common with others. */
export type SharesState = { readonly links: readonly string[] };
/** Who has been seen with a thing, the first one first. Null: so many that it says nothing. */
export type LinkState = { readonly parties: readonly string[] | null };

/**
 * So many share a wallet or a document at most. What is shared by more is a service that nobody has
 * labelled: from then on it links nobody, not even those who were first.
 */
export const MAX_SHARERS = 6;
/** A group of more is no group of people who act together, and each is looked at alone. */
export const MAX_GROUP = 12;
/** Of one movement: eight each that persons and records of customers know, and as many addresses. */
export const MAX_LINKS = 24;
/** Of one party, the newest. */
export const MAX_SHARED = 16;

/**
 * What somebody knows of the parties themselves: a person's word, papers, owners. It holds wherever the
 * money comes from; an address of a service says nothing of whom it belongs to.
 */
export function isKnownLink(link: string): boolean {
  return /^(?:link|profile|owner):/.test(link);
}

/**
 * Notes what a party was seen with. Links are kept as they are and not as joined sets: a set can not be
 * parted again when it turns out that what has joined it was an exchange.
 */
export function noteLinks(states: States, party: string, links: readonly string[]): void {
  for (const link of links.slice(0, MAX_LINKS)) {
    const known = states.get('link', link);
    const parties = known === null ? [] : known.parties;
    if (parties === null || parties.includes(party)) continue;
    const now = [...parties, party];
    if (now.length > MAX_SHARERS) {
      states.set('link', link, { parties: null });
      for (const each of parties) setShares(states, each, without(sharesOf(states, each), link));
      continue;
    }
    states.set('link', link, { parties: now });
    if (now.length === 1) continue;
    // The first one learns that he shares it when the second one comes.
    for (const each of now.length === 2 ? now : [party]) {
      const shared = [...without(sharesOf(states, each), link), link].slice(-MAX_SHARED);
      setShares(states, each, shared);
    }
  }
}

/** A party with all that it is linked with, by one thing or by several: itself first. */
export function groupOf(states: States, party: string): readonly string[] {
  const group = [party];
  for (let at = 0; at < group.length; at++) {
    for (const link of sharesOf(states, group[at] ?? party)) {
      for (const other of states.get('link', link)?.parties ?? []) {
        if (!group.includes(other)) group.push(other);
        if (group.length > MAX_GROUP) return [party];
      }
    }
  }
  return group;
}

function sharesOf(states: States, party: string): readonly string[] {
  return states.get('shares', party)?.links ?? [];
}

function setShares(states: States, party: string, links: readonly string[]): void {
  states.set('shares', party, links.length === 0 ? null : { links });
}

function without(links: readonly string[], link: string): string[] {
  return links.filter((each) => each !== link);
}
