import { hex } from '@scure/base';
import { Transaction } from '@scure/btc-signer';
import { toHex } from '@quittance/kernel';
import type { SignParams, SignResult } from '../protocol.ts';
import { parsePsbt } from '../psbt/psbt.ts';
import { ownScript, type Wallet } from '../wallets.ts';
import { MAX_CHANGE_GAP } from '../checks/outputs.ts';

/** Change that an honest case makes lies below; further out an attack would hide it. */
const AUDITED_CHANGE = 900 + MAX_CHANGE_GAP;

const changeScripts = new WeakMap<Wallet, Map<number, string>>();

/**
 * Looks at what the signer gave out with another library than the signer's own code: does it pay
 * what was approved, and nothing else to anybody else?
 * @returns what is wrong with it
 */
export function faultsOf(params: SignParams, result: SignResult, wallet: Wallet): string[] {
  // Of a PSBT only what is signed: other fields may be what a fuzzer made of them.
  const raw =
    result.rawTransaction === undefined
      ? parsePsbt(Buffer.from(result.psbt, 'base64')).rawUnsigned
      : hex.decode(result.rawTransaction);
  const transaction = Transaction.fromRaw(raw, {
    allowUnknownOutputs: true,
    allowUnknownInputs: true,
    allowUnknownVersion: true,
  });
  const left = new Map(params.payouts.map((each) => [each.payoutId, each]));
  const faults: string[] = [];
  for (let vout = 0; vout < transaction.outputsLength; vout++) {
    const { script, amount } = transaction.getOutput(vout);
    const text = toHex(script ?? new Uint8Array());
    const sats = amount ?? -1n;
    const payout = [...left.values()].find(
      (each) =>
        each.script === text &&
        sats <= BigInt(each.amountSats) &&
        sats >= BigInt(each.amountSats) - BigInt(each.maxFeeShareSats),
    );
    if (payout !== undefined && params.kind === 'payouts') left.delete(payout.payoutId);
    else if (!isChange(wallet, text)) faults.push(`output ${vout} pays ${sats} to ${text}`);
  }
  if (params.kind === 'payouts' && left.size > 0) faults.push('a payout is not paid');
  if (result.complete !== (result.rawTransaction !== undefined)) faults.push('complete is wrong');
  if (result.txid !== undefined && result.txid !== transaction.id) faults.push('the txid is wrong');
  return faults;
}

function isChange(wallet: Wallet, script: string): boolean {
  const known = changeScripts.get(wallet) ?? new Map<number, string>();
  changeScripts.set(wallet, known);
  for (let index = 0; index < AUDITED_CHANGE; index++) {
    let own = known.get(index);
    if (own === undefined) {
      own = toHex(ownScript(wallet, { branch: 1, index }).script);
      known.set(index, own);
    }
    if (own === script) return true;
  }
  return false;
}
