import { secp256k1 } from '@noble/curves/secp256k1.js';
import { toHex } from '@quittance/kernel';
import { expect, test } from 'vitest';
import { verifyNodeMessage } from './node-message.ts';

/** "test message" by the key 1, as LDK signs it. */
const SIGNATURE =
  'd9tibmnic9t5y41hg7hkakdcra94akas9ku3rmmj4ag9mritc8ok4p5qzefs78c9pqfhpuftqqzhydbdwfg7u6w6wdxcqpqn4sj4e73e';
const one = new Uint8Array(32);
one[31] = 1;
const node = toHex(secp256k1.getPublicKey(one));

test('a node’s signature is for its key and its message, and for no other', () => {
  const claim = { node, message: 'test message', signature: SIGNATURE };
  expect(verifyNodeMessage(claim)).toBe(true);
  expect(verifyNodeMessage({ ...claim, node: node.toUpperCase() })).toBe(true);
  expect(verifyNodeMessage({ ...claim, message: 'test message.' })).toBe(false);
  expect(verifyNodeMessage({ ...claim, node: `03${node.slice(2)}` })).toBe(false);
  for (const at of [0, 1, 50, 103]) {
    const wrong = SIGNATURE[at] === 'y' ? 'b' : 'y';
    const signature = SIGNATURE.slice(0, at) + wrong + SIGNATURE.slice(at + 1);
    expect(verifyNodeMessage({ ...claim, signature }), `letter ${at}`).toBe(false);
  }
  for (const signature of ['', 'y', SIGNATURE.slice(1), `${SIGNATURE}y`, 'l'.repeat(104)]) {
    expect(verifyNodeMessage({ ...claim, signature })).toBe(false);
  }
});
