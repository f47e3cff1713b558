import type { Factor } from './factor.ts';

/** Below this an output of the oldest kind is dust to Bitcoin Core; sprays use a little more. */
export const DUST_SATS = 1_000n;
/** Of a spray's outputs, how many are dust at least. */
const DUST_PERCENT = 80;

/** People's inputs are mixed: whose money it is can not be told. Many do so for their privacy. */
export const coinjoinFactor: Factor = ({ shape }, { coinjoin }) => {
  if (shape === null || !shape.coinjoin) return [];
  const text = `The transaction has the shape of a coinjoin (${shape.inputs} inputs, ${shape.outputs} outputs).`;
  return [{ factor: 'coinjoin', points: coinjoin.points, text }];
};

/** A large coin goes on and on, and a little is split off each time. */
export const peelChainFactor: Factor = ({ shape }, { peelChain }) => {
  if (shape === null || shape.peelLength < peelChain.minLength) return [];
  const text = `It ends a chain of ${shape.peelLength} transactions that each split a little off a large coin.`;
  return [{ factor: 'peel_chain', points: peelChain.points, text }];
};

/** Crumbs for many addresses at once, to watch where they are spent or to taint them. */
export const dustSprayFactor: Factor = ({ shape }, { dustSpray }) => {
  if (shape === null || shape.outputs < dustSpray.minOutputs) return [];
  if (shape.dustOutputs * 100 < shape.outputs * DUST_PERCENT) return [];
  const text = `${shape.dustOutputs} of its ${shape.outputs} outputs are dust.`;
  return [{ factor: 'dust_spray', points: dustSpray.points, text }];
};

/** It took the place of another payment. That it could be replaced says nothing: all can be. */
export const replacedFactor: Factor = ({ shape }, { replaced }) => {
  if (shape === null || shape.replaced === 0) return [];
  const text = `${shape.replaced} earlier transactions for this order were replaced.`;
  return [{ factor: 'replaced', points: replaced.points, text }];
};
