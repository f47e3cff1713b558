import { formatBtc, fromHex, parseDecimal, toHex } from '@quittance/kernel';
import type { Bitcoind } from '../chain/bitcoind.ts';
import { RequestError } from '../errors.ts';
import type { NodeLog } from '../ldk/callbacks.ts';

/** Coins on the chain: a wallet of the chain's node, of this node alone. */
export interface FundingWallet {
  newAddress(): Promise<string>;
  /** Confirmed, and on their way to us. */
  balanceSats(): Promise<bigint>;
  /** A signed transaction, not sent, that pays `sats` to `script`. */
  pay(script: Uint8Array, sats: bigint): Promise<Uint8Array>;
  /** A script of ours where the money of closed channels may go: P2WPKH. */
  destination(): Promise<Uint8Array>;
}

/** Opens the wallet of that name, or makes it. */
export async function openWallet(
  chain: Bitcoind,
  name: string,
  log: NodeLog,
): Promise<FundingWallet> {
  const loaded = await chain.call<string[]>('listwallets');
  if (!loaded.includes(name)) {
    const { wallets } = await chain.call<{ wallets: { name: string }[] }>('listwalletdir');
    if (wallets.some((wallet) => wallet.name === name)) {
      await chain.call('loadwallet', name, true);
    } else {
      await chain.call('createwallet', name, false, false, '', false, true, true);
      log('info', `the wallet ${name} was made`);
    }
  }
  const call = <T>(method: string, ...params: unknown[]): Promise<T> =>
    chain.walletCall<T>(name, method, ...params);
  const newAddress = () => call<string>('getnewaddress', '', 'bech32');
  return {
    newAddress,
    async balanceSats() {
      type Balances = { mine: { trusted: unknown; untrusted_pending: unknown } };
      const { mine } = await call<Balances>('getbalances');
      return satsOf(mine.trusted) + satsOf(mine.untrusted_pending);
    },
    async pay(script, sats) {
      const { address } = await chain.call<{ address: string }>('decodescript', toHex(script));
      const outputs = [{ [address]: formatBtc(sats) }];
      const draft = await call<string>('createrawtransaction', [], outputs);
      // The coins are locked, so that two channels at a time do not take the same.
      const options = { change_type: 'bech32', lockUnspents: true };
      const funded = await call<{ hex: string }>('fundrawtransaction', draft, options);
      type Signed = { hex: string; complete: boolean };
      const signed = await call<Signed>('signrawtransactionwithwallet', funded.hex);
      if (!signed.complete) throw new RequestError('chain', 'the wallet could not sign');
      return fromHex(signed.hex);
    },
    async destination() {
      const address = await newAddress();
      const info = await call<{ scriptPubKey: string }>('getaddressinfo', address);
      return fromHex(info.scriptPubKey);
    },
  };
}

/** An amount of the chain's node: a number of JSON, kept as the text that it was. */
function satsOf(amount: unknown): bigint {
  const parsed = parseDecimal(String(amount), 8);
  if (!parsed.ok) throw new RequestError('chain', `${String(amount)} is no amount`);
  return parsed.value;
}
