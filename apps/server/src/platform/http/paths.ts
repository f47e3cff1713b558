/** Finds which methods a path knows, to tell "no such thing" from "not with this method". */
export type PathBook = {
  add(methods: string | readonly string[], pattern: string): void;
  methodsOf(path: string): string[];
};

export function createPathBook(): PathBook {
  const known = new Map<string, { matches: RegExp; methods: Set<string> }>();
  return {
    add(methods, pattern) {
      let entry = known.get(pattern);
      if (entry === undefined) {
        entry = { matches: toRegExp(pattern), methods: new Set() };
        known.set(pattern, entry);
      }
      for (const method of typeof methods === 'string' ? [methods] : methods) {
        entry.methods.add(method);
      }
    },
    methodsOf(path) {
      const found = new Set<string>();
      for (const { matches, methods } of known.values()) {
        if (matches.test(path)) for (const method of methods) found.add(method);
      }
      return [...found].sort();
    },
  };
}

/** A route pattern as Fastify writes it: ":name" is one step of the path, "*" is the rest. */
function toRegExp(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((step) => {
      if (step === '*') return '.*';
      return step.startsWith(':') ? '[^/]+' : RegExp.escape(step);
    })
    .join('/');
  return new RegExp(`^${source}$`);
}
