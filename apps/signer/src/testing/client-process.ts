import { readFileSync } from 'node:fs';
import { writeHeapSnapshot } from 'node:v8';
import { type Approver, connectSigner, SignerRefusedError } from '../client.ts';
import { changeOutput, makeCoin, p2wpkh, paramsOf, payoutOf } from './requests.ts';
import { publicWallet } from '../wallets.ts';

// A server in miniature: has something signed and something refused, then writes its memory down.
const [socketPath = '', approverFile = '', snapshotFile = ''] = process.argv.slice(2);
const approver = JSON.parse(readFileSync(approverFile, 'utf8')) as Approver;
const client = connectSigner({ socketPath });
const { wallets } = await client.describe();
const wallet = publicWallet('main', wallets[0]?.descriptor ?? '', 'regtest');
const script = p2wpkh(5);
const draft = {
  ...{ wallet, version: 2, locktime: 0, sequence: 0xffff_fffd },
  coins: [makeCoin(wallet, { branch: 0, index: 0, amountSats: 90_000n, salt: 1 })],
  outputs: [{ script, amountSats: 50_000n }, changeOutput(wallet, 0, 39_000n)],
};
const terms = {
  ...{ payoutId: crypto.randomUUID(), script, amountSats: '50000', feeFrom: 'sender' as const },
  maxFeeShareSats: '0',
};
const options = { wallet: 'main', approvers: [approver], expiresAtMs: Date.now() + 60_000 };
const payouts = [payoutOf(terms, options)];
const params = paramsOf(draft, { requestId: 'r-1', kind: 'payouts', payouts });
const { complete } = await client.sign(params);
const refused: unknown = await client
  .sign({ ...params, requestId: 'r-2', payouts: [] })
  .catch((error: unknown) => error);
if (complete && refused instanceof SignerRefusedError) console.log('signed');
writeHeapSnapshot(snapshotFile);
// Still in use, so that the snapshot holds everything that a server keeps.
await client.auditTail();
client.close();
