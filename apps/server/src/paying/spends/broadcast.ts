import { toHex } from '@quittance/kernel';
import type { BitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import { classifyFailure, classifyRefusal, type NodeAnswer } from './node-answers.ts';

type Node = Pick<BitcoinRpc, 'call'>;

/** RPC_INVALID_ADDRESS_OR_KEY: what getmempoolentry says of a transaction that is not there. */
const NOT_IN_MEMPOOL = -5;
/** No limit of the node's: our own limits were checked when the transaction was planned. */
const ANY_FEE_RATE = 0;

/**
 * Gives a signed transaction to the node.
 * @param options.testFirst asks what the node thinks of it before it is given away
 * @param options.beforeSending called when it is about to be given away; false stops that
 * @returns null when it was stopped
 */
export async function broadcast(
  node: Node,
  raw: Uint8Array,
  options: { testFirst: boolean; beforeSending(): Promise<boolean> },
): Promise<NodeAnswer | null> {
  const hex = toHex(raw);
  if (options.testFirst) {
    const opinion = await test(node, hex);
    if (opinion.type !== 'has-it' && opinion.type !== 'would-take-it') return opinion;
  }
  if (!(await options.beforeSending())) return null;
  try {
    await node.call('sendrawtransaction', [hex, ANY_FEE_RATE]);
    return { type: 'has-it' };
  } catch (error) {
    return classifyFailure(error, true);
  }
}

async function test(node: Node, hex: string): Promise<NodeAnswer | { type: 'would-take-it' }> {
  type Verdict = { allowed?: boolean; 'reject-reason'?: string; 'package-error'?: string };
  try {
    const [verdict] = await node.call<Verdict[]>('testmempoolaccept', [[hex], ANY_FEE_RATE]);
    if (verdict?.allowed === true) return { type: 'would-take-it' };
    const words = verdict?.['reject-reason'] ?? verdict?.['package-error'] ?? 'no reason given';
    return classifyRefusal(words);
  } catch (error) {
    return classifyFailure(error, false);
  }
}

/**
 * Gives a child to the node together with its parents, which it does not take alone or has lost
 * (package relay).
 * @returns null when it was stopped
 */
export async function broadcastPackage(
  node: Node,
  { parents, child }: { parents: readonly Uint8Array[]; child: Uint8Array },
  beforeSending: () => Promise<boolean>,
): Promise<NodeAnswer | null> {
  if (!(await beforeSending())) return null;
  try {
    type Result = { package_msg: string; 'tx-results': Record<string, { error?: string }> };
    const answer = await node.call<Result>('submitpackage', [[...parents, child].map(toHex)]);
    if (answer.package_msg === 'success') return { type: 'has-it' };
    const errors = Object.values(answer['tx-results']).flatMap(({ error }) => error ?? []);
    return classifyRefusal(errors.at(-1) ?? answer.package_msg);
  } catch (error) {
    return classifyFailure(error, true);
  }
}

/**
 * Gives the node what it may have lost of the transactions that another one builds on. What it says
 * of each is of no account: the one that builds on them is tried next.
 */
export async function resendAncestors(node: Node, ancestors: readonly Uint8Array[]): Promise<void> {
  for (const raw of ancestors) {
    await node.call('sendrawtransaction', [toHex(raw), ANY_FEE_RATE]).catch(() => undefined);
  }
}

/** Whether the node has it in its mempool now, or why that is not known. */
export async function isInMempool(node: Node, txid: string): Promise<boolean | { detail: string }> {
  try {
    await node.call('getmempoolentry', [txid]);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_IN_MEMPOOL) return false;
    return { detail: error instanceof Error ? error.message : String(error) };
  }
}
