/** Records that are looked at for each that is added: more go than come, and no round is long. */
const LOOKED_AT = 4;

/**
 * Keeps the number of some records bounded: beyond `max` the oldest go, as soon as each may. One that
 * may not go yet is looked at again when its turn comes.
 * @param options.mayGo whether nothing needs the record any more
 */
export function createRetention(options: {
  readonly max: number;
  /** Oldest first. */
  readonly known: readonly string[];
  mayGo(id: string): boolean;
  remove(id: string): void;
}): { add(id: string): void } {
  const order = new Set(options.known);
  return {
    add(id) {
      order.add(id);
      if (order.size <= options.max) return;
      for (const oldest of [...firstOf(order, LOOKED_AT)]) {
        if (order.size <= options.max || oldest === id) return;
        order.delete(oldest);
        if (options.mayGo(oldest)) options.remove(oldest);
        else order.add(oldest);
      }
    },
  };
}

function* firstOf(ids: Iterable<string>, count: number): Iterable<string> {
  let given = 0;
  for (const id of ids) {
    if (given++ >= count) return;
    yield id;
  }
}
