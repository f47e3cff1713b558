import { toHex } from '@quittance/kernel';
import { describe, expect, test } from 'vitest';
import { generateApprover } from '../approval.ts';
import { approvalsNeeded } from '../checks/approvals.ts';
import { DEFAULT_POLICY, parsePolicy } from './policy.ts';

const { id, publicKey } = generateApprover();
const withFields = (fields: object) => parsePolicy({ ...DEFAULT_POLICY, ...fields }, 'regtest');

describe('the policy', () => {
  test('that init writes is right', () => {
    const policy = parsePolicy(DEFAULT_POLICY, 'mainnet');
    expect(policy.approvers).toEqual([]);
    expect(approvalsNeeded(policy, 1n)).toBe(1);
    expect(approvalsNeeded(policy, 5_000_001n)).toBe(2);
  });

  test('with a mistake is refused with its place', () => {
    const wrong: [object, string][] = [
      [{ maxFee: '1' }, 'policy.maxFee is not known'],
      [{ maxFeeSats: 5 }, 'policy.maxFeeSats is a number of satoshis as a string'],
      [{ maxFeeSats: '2100000000000001' }, 'more than all bitcoin'],
      [{ maxFeeRateSatPerVb: 1.5 }, 'policy.maxFeeRateSatPerVb is a whole number'],
      [{ rules: [] }, 'one rule must begin at 0'],
      [{ rules: [{ aboveSats: '5', approvals: 1 }] }, 'one rule must begin at 0'],
      [{ rules: [{ aboveSats: '0', approvals: 0 }] }, 'policy.rules[0].approvals'],
      [{ windows: [] }, 'at least one limit over time'],
      [{ windows: [{ seconds: 9_999_999, maxSats: '1', maxCount: 1 }] }, 'windows[0].seconds'],
      [{ approvers: [{ id: 'a b', publicKey }] }, 'approvers[0].id'],
      [{ approvers: [{ id, publicKey: '00'.repeat(32) }] }, 'is no Ed25519 public key'],
      [{ approvers: [{ id, publicKey: `01${'00'.repeat(31)}` }] }, 'is no Ed25519 public key'],
      [
        {
          approvers: [
            { id, publicKey },
            { id, publicKey },
          ],
        },
        'an id stands there twice',
      ],
      [
        {
          approvers: [
            { id, publicKey },
            { id: 'b', publicKey },
          ],
        },
        'a key stands there twice',
      ],
      [{ allow: ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'] }, 'mainnet address'],
      [{ deny: ['6a'] }, 'is no script of an address'],
      [{ deny: null }, 'policy.deny is a list'],
    ];
    for (const [fields, reason] of wrong) expect(() => withFields(fields)).toThrow(reason);
    expect(() => parsePolicy(null, 'regtest')).toThrow('policy is missing');
  });

  test('takes destinations as addresses or scripts', () => {
    const script = `0014${'ab'.repeat(20)}`;
    const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    const policy = withFields({ allow: [script, address] });
    expect(policy.allow?.size).toBe(2);
    expect(policy.allow?.has(script)).toBe(true);
    expect(
      policy.allow?.has(
        `0014${toHex(Buffer.from('751e76e8199196d454941c45d1b3a323f1433bd6', 'hex'))}`,
      ),
    ).toBe(true);
  });
});
