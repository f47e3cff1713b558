import { describe } from 'vitest';
import { lightningContract } from '../../apps/server/src/receiving/lightning/backends/contract-suite.ts';
import { findLightningd } from '../support/lightningd.ts';
import { besideCln, onCln } from './cln-worlds.ts';

const lightningd = await findLightningd();
if ('missing' in lightningd) {
  console.warn(`skipped, with a real Core Lightning: ${lightningd.missing}`);
}

describe.skipIf('missing' in lightningd)('with a real Core Lightning on regtest,', () => {
  const binary = 'path' in lightningd ? lightningd : { path: '', cli: '', bitcoinCli: '' };

  lightningContract('Core Lightning', () => onCln(binary), {
    // It keeps no cause, and "failed" may be an attempt of a command that goes on: after a restart it
    // counts when no command of ours can still be trying (cln-payments.test.ts).
    without: ['refused while away'],
  });

  lightningContract('the embedded node beside Core Lightning', () => besideCln(binary), {
    // Core Lightning as the recipient can not hold.
    without: ['held', 'refused while away'],
  });
});
