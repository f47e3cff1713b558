import { describe } from 'vitest';
import { lightningContract } from '../../apps/server/src/receiving/lightning/backends/contract-suite.ts';
import { findLnd } from '../support/lnd-binary.ts';
import { besideLnd, onLnd } from './lnd-worlds.ts';

// Found, or fetched and built once for a machine, which takes some minutes (README.md).
const lnd = await findLnd();
if ('missing' in lnd) console.warn(`skipped, with a real LND: ${lnd.missing}`);

describe.skipIf('missing' in lnd)('with a real LND on regtest,', () => {
  const binary = 'path' in lnd ? lnd.path : '';

  lightningContract('LND', () => onLnd(binary), {
    failures: {
      // LND splits the payment. The recipient gets a part, and gives it back only when it has
      // waited for the rest: minutes. The table of failures has a test of its own.
      'more than a channel further on can forward': null,
    },
  });

  lightningContract('the embedded node beside LND', () => besideLnd(binary));
});
