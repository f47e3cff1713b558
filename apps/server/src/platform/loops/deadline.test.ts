import { expect, test } from 'vitest';
import { setDeadline } from './index.ts';

test('who waits too long is told once, in time, and who is answered never', async () => {
  const told: string[] = [];
  const began = performance.now();
  const late = new Promise<number>((resolve) => {
    setDeadline(20, () => {
      told.push('late');
      resolve(performance.now() - began);
    });
  });
  const answered = setDeadline(20, () => told.push('answered'));
  const later = new Promise<void>((resolve) => {
    setDeadline(150, () => {
      told.push('later');
      resolve();
    });
  });
  answered();
  expect(await late).toBeGreaterThanOrEqual(20);
  await later;
  // After a pause in which nothing is waited for, the next one is noticed all the same.
  await new Promise((resolve) => setTimeout(resolve, 150));
  await new Promise<void>((resolve) => setDeadline(1, resolve));
  expect(told).toEqual(['late', 'later']);
});
