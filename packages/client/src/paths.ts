export type PageRequest = { startingAfter?: string; limit?: number };

/** A page as the query of a list has it. */
export function toPageQuery(page: PageRequest): Record<string, string | number | undefined> {
  return { starting_after: page.startingAfter, limit: page.limit };
}

/** One step of a path: what is no id can't reach another route. */
export function step(id: string): string {
  return encodeURIComponent(id);
}
