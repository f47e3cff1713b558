import type pg from 'pg';
import {
  type BitcoinRpc,
  BitcoinRpcError,
} from '../../../apps/server/src/platform/bitcoin-node/index.ts';
import type { ForeignSpend } from './payout-run.ts';

/** RPC_INVALID_ADDRESS_OR_KEY: what the node says of a transaction that it has never seen. */
const UNKNOWN = -5;

/**
 * Looks for what the owner's other software has done: each of its transactions in the chain is
 * booked as what left the wallet, none of the others is; and a payout may only have failed when no
 * transaction that was ever made for it can be mined any more. To be called when nothing is in the
 * mempool.
 * @returns what is wrong, a sentence each
 */
export async function auditForeign(
  client: pg.Client,
  rpc: BitcoinRpc,
  foreign: readonly ForeignSpend[],
): Promise<string[]> {
  return [...(await checkMovements(client, rpc, foreign)), ...(await checkFailed(client, rpc))];
}

async function checkMovements(
  client: pg.Client,
  rpc: BitcoinRpc,
  foreign: readonly ForeignSpend[],
): Promise<string[]> {
  const { rows } = await client.query<{ txid: string; state: string; sats: string }>(
    `SELECT encode(txid, 'hex') AS txid, state, amount_sats AS sats FROM wallet_movement`,
  );
  const movements = new Map(rows.map((row) => [turned(row.txid), row]));
  const faults: string[] = [];
  for (const { txid, takenSats, returnedSats } of foreign) {
    const { state = 'not there', sats = '0' } = movements.get(txid) ?? {};
    const isMined = await isInChain(rpc, txid);
    if (!isMined && state !== 'not there' && state !== 'gone') {
      faults.push(`the withdrawal ${txid} is ${state} and not in the chain`);
    }
    if (isMined && (state !== 'booked' || BigInt(sats) !== returnedSats - takenSats)) {
      const right = returnedSats - takenSats;
      faults.push(`the withdrawal ${txid} of ${right} is ${state} with ${sats}`);
    }
  }
  return faults;
}

/**
 * A payout that was approved fails only when nothing that was signed for it can be mined, which
 * somebody else's taking of a coin has to be the reason of.
 */
async function checkFailed(client: pg.Client, rpc: BitcoinRpc): Promise<string[]> {
  type Row = { id: string; reason: string; inputs: Buffer[] | null; raw: string | null };
  const { rows } = await client.query<Row>(
    `SELECT p.id, p.reason, v.inputs, encode(v.raw, 'hex') AS raw
       FROM payout p LEFT JOIN spend_output o ON o.payout_id = p.id
       LEFT JOIN spend_version v ON v.spend_id = o.spend_id WHERE p.state = 'failed'`,
  );
  const faults: string[] = [];
  const robbed = new Set<string>();
  for (const { id, inputs, raw } of rows) {
    const isImpossible = await isAnyGone(rpc, inputs ?? []);
    if (isImpossible) robbed.add(id);
    if (raw === null) continue;
    const { txid } = await rpc.call<{ txid: string }>('decoderawtransaction', [raw]);
    if (await isInChain(rpc, txid)) {
      faults.push(`the payout ${id} has failed and its transaction is mined`);
    } else if (!isImpossible) {
      faults.push(`the payout ${id} has failed and could still be paid`);
    }
  }
  for (const { id, reason } of rows) {
    if (!robbed.has(id)) faults.push(`${id} has failed (${reason}), and nobody took its coins`);
  }
  return faults;
}

async function isAnyGone(rpc: BitcoinRpc, inputs: readonly Buffer[]): Promise<boolean> {
  const gone = await Promise.all(inputs.map((input) => isGone(rpc, outpointOf(input))));
  return gone.includes(true);
}

/** Spent in the chain, or made by a transaction that is not in it. */
async function isGone(rpc: BitcoinRpc, [txid, vout]: [string, number]): Promise<boolean> {
  return (await rpc.call('gettxout', [txid, vout, false])) === null;
}

async function isInChain(rpc: BitcoinRpc, txid: string): Promise<boolean> {
  try {
    const { confirmations = 0 } = await rpc.call<{ confirmations?: number }>('getrawtransaction', [
      ...[txid, 1],
    ]);
    return confirmations > 0;
  } catch (error) {
    if (error instanceof BitcoinRpcError && error.code === UNKNOWN) return false;
    throw error;
  }
}

/** Of 36 bytes as a transaction has them: the txid, then the number. */
function outpointOf(bytes: Buffer): [string, number] {
  return [turned(bytes.subarray(0, 32).toString('hex')), bytes.readUInt32LE(32)];
}

/** Txids are kept as they are hashed and shown the other way round. */
function turned(txid: string): string {
  return Buffer.from(txid, 'hex').reverse().toString('hex');
}
