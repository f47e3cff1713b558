import { afterEach, expect, test } from 'vitest';
import {
  armFaultPoint,
  armFaultPointForTest,
  defineFaultPoints,
  faultPoint,
  faultPointNames,
} from './fault-points.ts';

const strikeAt = defineFaultPoints(['test-before', 'test-after'] as const);
afterEach(() => armFaultPointForTest(null));

test('points are enumerated from the code that defines them', () => {
  expect(faultPointNames()).toEqual(expect.arrayContaining(['test-before', 'test-after']));
  expect(() => defineFaultPoints(['test-after'])).toThrow('twice');
});

test('an armed point strikes when it is passed so many times, the others never', () => {
  let struck = 0;
  const strike = () => {
    struck++;
  };
  strikeAt('test-before');
  armFaultPointForTest({ name: 'test-after', passes: 2, strike });
  strikeAt('test-before');
  strikeAt('test-after');
  expect(struck).toBe(0);
  faultPoint('test-after');
  expect(struck).toBe(1);
});

test('fault points are refused on every network with real money', () => {
  const environment = { QUITTANCE_FAULT_POINT: 'test-after' };
  for (const network of ['mainnet', 'testnet4', 'signet'] as const) {
    expect(() => armFaultPoint(environment, network)).toThrow('regtest');
    expect(() => armFaultPoint({}, network)).not.toThrow();
  }
  expect(() => armFaultPoint({ QUITTANCE_FAULT_POINT: 'nowhere' }, 'regtest')).toThrow('names no');
});
