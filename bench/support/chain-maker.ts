import { createHash, randomBytes } from 'node:crypto';
import { addressToScript, parseHash, scriptToAddress } from '@quittance/bitcoin';
import { assert } from '@quittance/kernel';
import { type Payer, WALLET } from './payer.ts';

/**
 * Fills blocks with transactions that look like everyday ones to a scanner (a signature and a key in
 * the witness, a payment to P2WPKH and one to P2TR, a change output) but need no signing: the coin
 * that is passed on asks its spender for two pushes, which it drops, and nothing else.
 */

/** OP_2DROP OP_TRUE, behind P2WSH. */
const WITNESS_SCRIPT = Uint8Array.of(0x6d, 0x51);
const CHANGE_SCRIPT = Buffer.concat([Uint8Array.of(0, 32), sha256(WITNESS_SCRIPT)]);
/** Bytes of a signature and of a compressed key, as everyday witnesses hold them. */
const WITNESS_ITEMS = [72, 33];
const NOISE_POOL_BYTES = 1 << 20;
/** The lowest that nodes relay to P2TR: thousands in each of hundreds of blocks come from one coin. */
const PAYMENT_SATS = 330n;
const FUNDS_BTC = '49';
const SATS_PER_BTC = 100_000_000n;

export type Planted = { address: string; sats: bigint };

export type ChainMaker = {
  /** Mines a block of `transactions`, the first of which make the planted payments, one each. */
  mineBlock(transactions: number, planted: readonly Planted[]): Promise<{ bytes: number }>;
};

export async function openChainMaker(payer: Payer): Promise<ChainMaker> {
  const { rpc } = payer;
  const address = scriptToAddress(CHANGE_SCRIPT, 'regtest');
  const txid = await rpc.walletCall<string>(WALLET, 'sendtoaddress', [address, FUNDS_BTC]);
  await payer.mine(1);
  const { vout } = await rpc.call<{ vout: { n: number; scriptPubKey: { address: string } }[] }>(
    'getrawtransaction',
    [txid, true],
  );
  const output = vout.find(({ scriptPubKey }) => scriptPubKey.address === address);
  assert(output !== undefined, 'the funding transaction pays the first coin');
  let coin = { txid: parseHash(txid), vout: output.n, sats: BigInt(FUNDS_BTC) * SATS_PER_BTC };

  function next(planted: Planted | undefined): string {
    const payments = [
      { script: randomScript(0, 20), sats: PAYMENT_SATS },
      planted === undefined
        ? { script: randomScript(0x51, 32), sats: PAYMENT_SATS }
        : { script: scriptOf(planted.address), sats: planted.sats },
    ];
    const change = coin.sats - payments.reduce((sum, { sats }) => sum + sats, 0n);
    const outputs = [{ script: CHANGE_SCRIPT, sats: change }, ...payments];
    const made = spend(coin, outputs);
    coin = { txid: made.txid, vout: 0, sats: change };
    return made.hex;
  }

  const miner = await rpc.walletCall<string>(WALLET, 'getnewaddress');
  return {
    async mineBlock(transactions, planted) {
      const hexes = Array.from({ length: transactions }, (_, i) => next(planted[i]));
      await rpc.call('generateblock', [miner, hexes, true]);
      return { bytes: hexes.reduce((sum, hex) => sum + hex.length / 2, 0) };
    },
  };
}

function spend(
  coin: { txid: Uint8Array; vout: number },
  outputs: readonly { script: Uint8Array; sats: bigint }[],
): { hex: string; txid: Uint8Array } {
  const body = Buffer.concat([
    Uint8Array.of(1),
    coin.txid,
    uint32(coin.vout),
    Uint8Array.of(0),
    uint32(0xffffffff),
    Uint8Array.of(outputs.length),
    ...outputs.flatMap(({ script, sats }) => [uint64(sats), Uint8Array.of(script.length), script]),
  ]);
  const witness = Buffer.concat([
    Uint8Array.of(WITNESS_ITEMS.length + 1),
    ...WITNESS_ITEMS.flatMap((length) => [Uint8Array.of(length), noise(length)]),
    Uint8Array.of(WITNESS_SCRIPT.length),
    WITNESS_SCRIPT,
  ]);
  const [version, locktime] = [uint32(2), uint32(0)];
  // The txid is the hash without marker, flag and witness (BIP141).
  const txid = sha256(sha256(Buffer.concat([version, body, locktime])));
  const raw = Buffer.concat([version, Uint8Array.of(0, 1), body, witness, locktime]);
  return { hex: raw.toString('hex'), txid };
}

function randomScript(opcode: number, length: number): Uint8Array {
  return Buffer.concat([Uint8Array.of(opcode, length), noise(length)]);
}

/** Random bytes, many at a time: asking the system for a few takes as long. */
let pool = randomBytes(0);
function noise(length: number): Uint8Array {
  if (pool.length < length) pool = randomBytes(NOISE_POOL_BYTES);
  const bytes = pool.subarray(0, length);
  pool = pool.subarray(length);
  return bytes;
}

function scriptOf(address: string): Uint8Array {
  const parsed = addressToScript(address, 'regtest');
  assert(parsed.ok, 'an order has a valid address');
  return parsed.script;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
