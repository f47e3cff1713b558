import type { OrderView } from '@quittance/contract';
import { expect, test } from 'vitest';
import { fixtureView } from '../fixture.ts';
import { followOrder, type LiveWorld } from './live.ts';

type SocketEvents = Parameters<LiveWorld['openSocket']>[0];

/** A browser whose time, network and server are turned by hand. */
function handWorld(first: OrderView) {
  let nowMs = 0;
  let timers: { at: number; task: () => void }[] = [];
  const sockets: SocketEvents[] = [];
  const state = { answer: first, down: false, reads: 0, closed: 0 };
  const held: (() => void)[] = [];
  let holding = false;
  const world: LiveWorld = {
    async readView() {
      state.reads++;
      const { answer, down } = state;
      if (holding) await new Promise<void>((resolve) => held.push(resolve));
      if (down) throw new Error('down');
      return answer;
    },
    openSocket(on) {
      sockets.push(on);
      return () => void state.closed++;
    },
    after(ms, task) {
      const timer = { at: nowMs + ms, task };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    random: () => 0.5,
  };
  return {
    world,
    state,
    sockets,
    hold: (on: boolean) => {
      holding = on;
    },
    release: async () => {
      held.shift()?.();
      await settle();
    },
    pass: async (ms: number) => {
      const end = nowMs + ms;
      for (;;) {
        const next = timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        nowMs = next.at;
        timers = timers.filter((t) => t !== next);
        next.task();
        await settle();
      }
      nowMs = end;
    },
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

function follow(first = fixtureView()) {
  const hand = handWorld(first);
  const shown: number[] = [];
  const reachable: boolean[] = [];
  const live = followOrder(
    first,
    hand.world,
    { view: (view) => shown.push(view.version), reachable: (yes) => reachable.push(yes) },
    (view) => view.status === 'CONFIRMED',
  );
  return { ...hand, live, shown, reachable };
}

test('a ring makes the page read once; a ring about an older state does not', async () => {
  const { sockets, state, shown } = follow();
  sockets[0]?.open();
  await settle();
  const reads = state.reads;
  sockets[0]?.ring(0);
  await settle();
  expect(state.reads).toBe(reads);
  state.answer = fixtureView({ version: 2 });
  sockets[0]?.ring(2);
  await settle();
  expect(state.reads).toBe(reads + 1);
  expect(shown.at(-1)).toBe(2);
});

test('rings during a read lead to one more read, not one each', async () => {
  const { sockets, state, hold, release, shown } = follow();
  hold(true);
  sockets[0]?.open();
  for (let version = 2; version < 30; version++) sockets[0]?.ring(version);
  expect(state.reads).toBe(1);
  state.answer = fixtureView({ version: 29 });
  await release();
  expect(state.reads).toBe(2);
  await release();
  expect(state.reads).toBe(2);
  expect(shown.at(-1)).toBe(29);
});

test('an answer older than what is shown is dropped', async () => {
  const { sockets, state, shown } = follow(fixtureView({ version: 5 }));
  state.answer = fixtureView({ version: 4 });
  sockets[0]?.open();
  await settle();
  const earlier = fixtureView({ version: 5, serverTime: '2026-03-14T09:34:00.000Z' });
  state.answer = earlier;
  sockets[0]?.ring(undefined);
  await settle();
  expect(state.reads).toBe(2);
  expect(shown).toEqual([]);
});

test('without a socket polling starts at three seconds and slows down to thirty', async () => {
  const { state, pass } = follow();
  await pass(3_000);
  expect(state.reads).toBe(1);
  await pass(60_000);
  expect(state.reads).toBeGreaterThanOrEqual(5);
  const before = state.reads;
  await pass(3_600_000);
  expect(state.reads - before).toBe(120);
});

test('with a socket, or when all is settled, the page hardly asks at all', async () => {
  const open = follow();
  open.sockets[0]?.open();
  await open.pass(600_000);
  expect(open.state.reads).toBeLessThanOrEqual(11);
  const settled = follow(fixtureView({ status: 'CONFIRMED' }));
  await settled.pass(3_600_000);
  expect(settled.state.reads).toBe(12);
});

test('a lost socket is tried again, ever more rarely, for as long as the page is open', async () => {
  const { sockets, pass } = follow();
  for (let lost = 0; lost < 10; lost++) {
    sockets.at(-1)?.close();
    await pass(30_000);
    expect(sockets.length).toBe(lost + 2);
  }
});

test('one failure is not told, two are, and so is the recovery', async () => {
  const { state, pass, reachable } = follow();
  state.down = true;
  await pass(3_000);
  expect(reachable).toEqual([]);
  await pass(5_000);
  expect(reachable).toEqual([false]);
  state.down = false;
  await pass(30_000);
  expect(reachable.at(-1)).toBe(true);
});

test('waking reads at once, and replaces a socket that sleep may have killed silently', async () => {
  const { sockets, state, live } = follow();
  sockets[0]?.open();
  await settle();
  const reads = state.reads;
  live.wake({ reconnect: false });
  await settle();
  expect([state.reads, sockets.length]).toEqual([reads + 1, 1]);
  live.wake({ reconnect: true });
  expect([state.closed, sockets.length]).toEqual([1, 2]);
});

test('a page that is left asks no more', async () => {
  const { state, live, pass, sockets } = follow();
  live.stop();
  await pass(3_600_000);
  expect(state.reads).toBe(0);
  expect(sockets.length).toBe(1);
});
