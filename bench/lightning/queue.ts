/** A binary heap: what has the lowest key comes first. */
export type Queue = { push(key: number, value: number): void; pop(): number | null };

export function makeQueue(): Queue {
  const keys: number[] = [];
  const values: number[] = [];
  const key = (i: number) => keys[i] ?? Number.POSITIVE_INFINITY;
  const swap = (i: number, j: number) => {
    const [keyOfI, valueOfI] = [keys[i] ?? 0, values[i] ?? 0];
    keys[i] = keys[j] ?? 0;
    values[i] = values[j] ?? 0;
    keys[j] = keyOfI;
    values[j] = valueOfI;
  };
  return {
    push(newKey, value) {
      keys.push(newKey);
      let i = values.push(value) - 1;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (key(parent) <= newKey) return;
        swap(i, parent);
        i = parent;
      }
    },
    pop() {
      const top = values[0];
      if (top === undefined) return null;
      swap(0, values.length - 1);
      keys.pop();
      values.pop();
      for (let i = 0; ; ) {
        const left = 2 * i + 1;
        const least = key(left + 1) < key(left) ? left + 1 : left;
        if (key(least) >= key(i)) return top;
        swap(i, least);
        i = least;
      }
    },
  };
}
