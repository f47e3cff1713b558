import { manualClock, systemClock } from '@quittance/kernel';
import { expect, test } from 'vitest';
import { startLoop } from './index.ts';
import { backOffMs } from './loop.ts';

const common = { name: 'test', clock: systemClock, onError: () => {}, random: () => 0 };

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

test('rounds never overlap, and any number of doorbells during one makes one more', async () => {
  let [runs, underWay, most] = [0, 0, 0];
  const gates = [gate(), gate(), gate()];
  const loop = startLoop({
    ...common,
    everyMs: 60_000,
    async run() {
      most = Math.max(most, ++underWay);
      await gates[runs++]?.opened;
      underWay--;
    },
  });
  for (let i = 0; i < 1_000; i++) loop.ring();
  gates[0]?.open();
  await expect.poll(() => runs).toBe(2);
  gates[1]?.open();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(runs).toBe(2);
  expect(most).toBe(1);
  await loop.stop();
});

test('a doorbell wakes a resting loop; it unsubscribes on stop', async () => {
  let ring = () => {};
  let subscribed = false;
  let runs = 0;
  const loop = startLoop({
    ...common,
    everyMs: 60_000,
    wake(on) {
      ring = on;
      subscribed = true;
      return () => {
        subscribed = false;
      };
    },
    run: async () => void runs++,
  });
  await expect.poll(() => runs).toBe(1);
  ring();
  await expect.poll(() => runs).toBe(2);
  await loop.stop();
  expect(subscribed).toBe(false);
});

test('stop waits for the round under way and starts no other', async () => {
  const { open, opened } = gate();
  let finished = 0;
  const loop = startLoop({
    ...common,
    everyMs: 0,
    async run() {
      await opened;
      finished++;
    },
  });
  const stopped = loop.stop();
  open();
  await stopped;
  expect(finished).toBe(1);
});

test('after errors the loop goes on, later each time, and doorbells do not hurry it', async () => {
  let runs = 0;
  const failures: number[] = [];
  const loop = startLoop({
    ...common,
    everyMs: 1,
    onError: (_error, count) => failures.push(count),
    async run() {
      if (++runs <= 2) throw new Error('no');
    },
  });
  await expect.poll(() => failures).toEqual([1]);
  for (let i = 0; i < 100; i++) loop.ring();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(runs).toBe(1);
  await expect.poll(() => loop.health().ok).toBe(true);
  expect(failures).toEqual([1, 2]);
  await loop.stop();
  expect([1, 2, 3, 20, 2_000].map((n) => backOffMs(n, 0))).toEqual([100, 200, 400, 7_500, 7_500]);
  expect(backOffMs(1, 0.999)).toBeLessThanOrEqual(200);
});

test('a loop that keeps failing, or whose round does not end, is red; so is one that never ran', async () => {
  const clock = manualClock(0);
  const { open, opened } = gate();
  const stuck = startLoop({ ...common, clock, everyMs: 1, run: () => opened });
  expect(stuck.health().ok).toBe(false);
  clock.advance(121_000);
  expect(stuck.health().detail).toContain('121 s');
  open();
  await stuck.stop();
  expect(stuck.health()).toMatchObject({ ok: true, ageMs: 0 });

  const failing = startLoop({
    ...common,
    clock,
    everyMs: 1,
    run: () => Promise.reject(new Error('no node')),
  });
  await expect
    .poll(() => failing.health().detail, { timeout: 3_000 })
    .toContain('3 times in a row: no node');
  expect((await failing.check.run()).ok).toBe(false);
  await failing.stop();
});

test('work that is waiting follows at once, and the loop can still be stopped', async () => {
  let runs = 0;
  const loop = startLoop({
    ...common,
    everyMs: 60_000,
    async run() {
      runs++;
      return 'again';
    },
  });
  await expect.poll(() => runs).toBeGreaterThan(10);
  await loop.stop();
});
