import { connectSigner } from '@quittance/signer/client';
import type { Description } from '@quittance/signer/protocol';
import { openServerApprover } from '../../paying/spends/index.ts';
import type { Config } from '../../platform/config/index.ts';
import { existsSync } from 'node:fs';
import { approverFileOf, signerOf } from '../configured.ts';
import { socketOf } from '../../platform/embedded/signer.ts';
import { blocking, type Finding, ok, reasonOf, warning } from './finding.ts';

/** It answers in milliseconds, or somebody has to look. */
const TIMEOUT_MS = 3_000;

/** Is there a signer, is it of this network, and may this server approve payouts? */
export async function checkSigner(config: Config): Promise<Finding[]> {
  const place = signerOf(config);
  if (place === null) {
    return [ok('signer', 'none is configured: transactions are signed elsewhere (PSBT)')];
  }
  if ('dir' in place) {
    const missing = [place.dir, place.keyFile].find((path) => !existsSync(path));
    if (missing !== undefined) {
      const action = 'make a vault with "./quittance signer init", or correct signer.dir';
      return [blocking('signer', `${missing} does not exist`, action)];
    }
  }
  const client = connectSigner({
    socketPath: 'dir' in place ? socketOf(place) : place.socketPath,
    timeoutMs: TIMEOUT_MS,
  });
  try {
    return judge(config, await client.describe());
  } catch (error) {
    // One that we start ourselves is not there before the server is.
    if ('dir' in place) return [ok('signer', 'is started with the server')];
    const action = 'start the signer, or correct signer.socket';
    return [blocking('signer', reasonOf(error), action)];
  } finally {
    client.close();
  }
}

function judge(config: Config, { network, wallets, policy }: Description): Finding[] {
  if (network !== config.network) {
    const action = 'give this server the signer of its own network';
    return [blocking('signer', `its vault is for ${network}, not ${config.network}`, action)];
  }
  const names = wallets.map(({ name }) => name).join(', ');
  const findings = [ok('signer', `answers; wallets: ${names === '' ? 'none' : names}`)];
  const file = approverFileOf(config);
  if (!existsSync(file)) return findings;
  const { id, publicKey } = openServerApprover(file);
  if (policy.approvers.some((approver) => approver.publicKey === publicKey)) {
    return [...findings, ok('approver', `${id} is in the signer’s policy`)];
  }
  const detail = 'the signer does not know this server’s approver key: nothing is paid by it alone';
  const action = `./quittance signer policy add-approver ${id} ${publicKey} --max-sats N`;
  return [...findings, warning('approver', detail, action)];
}
