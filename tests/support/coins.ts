import { displayHash, parseTransaction } from '@quittance/bitcoin';
import { formatBtc, type Sats } from '@quittance/kernel';
import { type Regtest, satsOf } from './regtest.ts';

export type Coin = { txid: string; vout: number; amountSats: Sats };
export type Signed = { txid: string; hex: string };

const FEE_SATS = 2_000n;
/** Inputs that don't signal replaceability (BIP125). */
const FINAL_SEQUENCE = 0xffffffff;

/** Makes coins of one amount in the payer's wallet and mines them. They are kept for `spend`. */
export async function makeCoins(
  regtest: Regtest,
  count: number,
  amountSats: Sats = 20_000_000n,
): Promise<Coin[]> {
  const amounts: Record<string, string> = {};
  const addresses: string[] = [];
  for (let i = 0; i < count; i++) {
    const address = await regtest.newAddress();
    addresses.push(address);
    amounts[address] = formatBtc(amountSats);
  }
  const txid = await regtest.walletRpc<string>('sendmany', { amounts, fee_rate: 5 });
  await regtest.mine(1);
  type Unspent = { txid: string; vout: number; address: string; amount: string };
  const unspent = await regtest.walletRpc<Unspent[]>('listunspent', [0, 9_999_999, addresses]);
  const coins = unspent
    .filter((each) => each.txid === txid)
    .map(({ vout, amount }) => ({ txid, vout, amountSats: satsOf(amount) }));
  const locked = coins.map(({ vout }) => ({ txid, vout }));
  await regtest.walletRpc('lockunspent', [false, locked]);
  return coins;
}

/** Signs a transaction that spends a coin; what is left after the fee goes back to the wallet. */
export async function spend(
  regtest: Regtest,
  coin: Coin,
  outputs: readonly { address: string; amountSats: Sats }[],
  options: { feeSats?: Sats; sequence?: number; change?: string } = {},
): Promise<Signed> {
  const fee = options.feeSats ?? FEE_SATS;
  const change = outputs.reduce((left, { amountSats }) => left - amountSats, coin.amountSats - fee);
  const changeAddress = options.change ?? (await regtest.newAddress());
  const all = [...outputs, { address: changeAddress, amountSats: change }];
  const input = {
    txid: coin.txid,
    vout: coin.vout,
    sequence: options.sequence ?? FINAL_SEQUENCE,
  };
  const raw = await regtest.rpc.call<string>('createrawtransaction', [
    [input],
    all.map(({ address, amountSats }) => ({ [address]: formatBtc(amountSats) })),
  ]);
  const signed = await regtest.walletRpc<{ hex: string; complete: boolean }>(
    'signrawtransactionwithwallet',
    [raw],
  );
  if (!signed.complete) throw new Error('the payer can not sign the transaction');
  const bytes = new Uint8Array(Buffer.from(signed.hex, 'hex'));
  return { txid: displayHash(parseTransaction(bytes).txid), hex: signed.hex };
}

export async function broadcast(regtest: Regtest, { hex }: Signed): Promise<string> {
  return regtest.rpc.call<string>('sendrawtransaction', [hex, 0]);
}

/** Mines one block with exactly these transactions, raw or by txid, in this order. */
export async function mineWith(
  regtest: Regtest,
  transactions: readonly (Signed | string)[],
): Promise<string> {
  const parts = transactions.map((each) => (typeof each === 'string' ? each : each.hex));
  const { hash } = await regtest.rpc.call<{ hash: string }>('generateblock', [
    await regtest.newAddress(),
    parts,
  ]);
  return hash;
}

/** The node gives up the newest blocks, as many as told, and gives back the lowest of them. */
export async function takeBlocksOff(regtest: Regtest, depth: number): Promise<string> {
  const height = await regtest.rpc.call<number>('getblockcount');
  const hash = await regtest.rpc.call<string>('getblockhash', [height - depth + 1]);
  await regtest.rpc.call('invalidateblock', [hash]);
  return hash;
}
