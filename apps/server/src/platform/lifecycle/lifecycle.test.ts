import { expect, test } from 'vitest';
import { createLogger } from '../log/index.ts';
import { DRAIN_MS } from '../http/http.ts';
import { createLifecycle } from './index.ts';
import { STOP_DEADLINE_MS } from './lifecycle.ts';

const log = createLogger({ level: 'fatal', write: () => {} });

function fakeProcess() {
  const handlers = new Map<string, (value: unknown) => void>();
  const exits: number[] = [];
  return {
    exits,
    emit: (event: string, value?: unknown) => handlers.get(event)?.(value),
    hooks: {
      on: (event: string, on: (value: unknown) => void) => handlers.set(event, on),
      exit: (status: number) => void exits.push(status),
    },
  };
}

function resource(name: string, trace: string[]) {
  return async () => {
    trace.push(`start ${name}`);
    return { stop: async () => void trace.push(`stop ${name}`) };
  };
}

test('resources stop in the reverse of the order in which they started', async () => {
  const trace: string[] = [];
  const lifecycle = createLifecycle({ log });
  for (const name of ['database', 'chain', 'http']) lifecycle.use(name, resource(name, trace));
  await lifecycle.start();
  expect(await lifecycle.stop()).toBe(true);
  await lifecycle.stop();
  expect(trace).toEqual([
    ...['start database', 'start chain', 'start http'],
    ...['stop http', 'stop chain', 'stop database'],
  ]);
});

test('when one resource can not start, those before it are stopped and the error is thrown', async () => {
  const trace: string[] = [];
  const lifecycle = createLifecycle({ log });
  lifecycle.use('database', resource('database', trace));
  lifecycle.use('http', () => Promise.reject(new Error('port taken')));
  await expect(lifecycle.start()).rejects.toThrow('port taken');
  expect(trace).toEqual(['start database', 'stop database']);
});

test('a resource that hangs or fails on stop does not keep the others running', async () => {
  const trace: string[] = [];
  const lifecycle = createLifecycle({ log, stopDeadlineMs: 10 });
  lifecycle.use('database', resource('database', trace));
  lifecycle.use('hangs', () => ({ stop: () => new Promise(() => {}) }));
  lifecycle.use('fails', () => ({ stop: () => Promise.reject(new Error('no')) }));
  await lifecycle.start();
  expect(await lifecycle.stop()).toBe(false);
  expect(trace.at(-1)).toBe('stop database');
});

test('a signal stops cleanly with status 0, a second one ends at once', async () => {
  const fake = fakeProcess();
  const lifecycle = createLifecycle({ log, hooks: fake.hooks });
  await lifecycle.run();
  fake.emit('SIGTERM');
  await expect.poll(() => fake.exits).toEqual([0]);

  const other = fakeProcess();
  const hanging = createLifecycle({ log, hooks: other.hooks, stopDeadlineMs: 60_000 });
  hanging.use('hangs', () => ({ stop: () => new Promise(() => {}) }));
  await hanging.run();
  other.emit('SIGINT');
  expect(other.exits).toEqual([]);
  other.emit('SIGINT');
  expect(other.exits).toEqual([130]);
});

test('a failed start and an unhandled error end the process with status 1', async () => {
  const fake = fakeProcess();
  const lifecycle = createLifecycle({ log, hooks: fake.hooks });
  lifecycle.use('http', () => Promise.reject(new Error('port taken')));
  await lifecycle.run();
  expect(fake.exits).toEqual([1]);
  fake.emit('unhandledRejection', new Error('bug'));
  expect(fake.exits).toEqual([1, 1]);
});

test('a signal during the start lets the start under way finish, then stops it', async () => {
  const fake = fakeProcess();
  const trace: string[] = [];
  let ready: (() => void) | undefined;
  const lifecycle = createLifecycle({ log, hooks: fake.hooks });
  lifecycle.use('slow', async () => {
    await new Promise<void>((resolve) => {
      ready = resolve;
    });
    return { stop: async () => void trace.push('stop slow') };
  });
  lifecycle.use('http', resource('http', trace));
  const run = lifecycle.run();
  fake.emit('SIGTERM');
  ready?.();
  await run;
  await expect.poll(() => fake.exits).toEqual([0]);
  expect(trace).toEqual(['stop slow']);
});

test('running requests are given up before their server is', () => {
  expect(DRAIN_MS).toBeLessThan(STOP_DEADLINE_MS);
});
