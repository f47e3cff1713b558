import { feeRateOf, formatFeeRate } from '@quittance/bitcoin';
import type { SpendJson } from '@quittance/contract';
import { unreachable } from '@quittance/kernel';
import { versionOf } from './draft.ts';
import type { Spend, SpendReason, SpendVersion } from './spend.ts';
import type { StoredSpend } from './store.ts';

/** A spend as the interface shows it. */
export function spendJson({ spend, versions, outputs }: StoredSpend): SpendJson {
  const counting = versionOf({ versions }, spend.version);
  return {
    id: spend.id,
    walletId: spend.walletId,
    ...{ kind: spend.kind, origin: spend.origin, state: spend.state },
    explanation: explanationOf(spend),
    ...{ reason: spend.reason, detail: shownDetail(spend), txid: counting.txid },
    feeSats: String(counting.feeSats),
    height: spend.height,
    payouts: outputs.map(({ payoutId, amountSats, feeFrom }) => ({
      ...{ payoutId, feeFrom, amountSats: String(amountSats) },
      feeShareSats: String(counting.feeShares[payoutId] ?? 0n),
    })),
    versions: versions.map((version) => versionJson(version, spend)),
    createdAt: new Date(spend.createdAtMs).toISOString(),
  };
}

/**
 * Of parts that can not be reached the words name sockets, addresses and ports of the operator's: they
 * are for the log. The store reads the reason.
 */
function shownDetail({ reason, detail }: Spend): string | null {
  return reason === 'signer_unavailable' || reason === 'node_unavailable' ? null : detail;
}

function versionJson(version: SpendVersion, spend: Spend): SpendJson['versions'][number] {
  const { feeSats, vsize, change } = version;
  return {
    ...{ version: version.version, state: version.state, purpose: version.purpose },
    counts: version.version === spend.version,
    ...{ txid: version.txid, inputs: version.inputs.length },
    ...{ feeSats: String(feeSats), vsize },
    feeRateSatPerVb: formatFeeRate(feeRateOf(feeSats, vsize)),
    changeSats: change === null ? null : String(change.valueSats),
    ...{ exposed: version.exposed, refusal: version.rejectCode },
  };
}

/** Where it is, and what comes next, for a person. */
export function explanationOf(spend: Pick<Spend, 'state' | 'reason' | 'height'>): string {
  const waits = spend.reason === null ? '' : ` ${sentenceOf(spend.reason)}`;
  switch (spend.state) {
    case 'planned':
      return `The coins are reserved; the transaction is not signed yet.${waits}`;
    case 'signed':
      return `The transaction is signed and stored; no node is known to have it.${waits}`;
    case 'broadcast':
      return `A node has the transaction; it is in no block yet.${waits}`;
    case 'confirmed':
      return `In the block at height ${spend.height}; final when 100 blocks deep.`;
    case 'final':
      return `In the block at height ${spend.height}, deep enough to be final.`;
    case 'failed':
      return `It was not paid and will not be.${waits}`;
    default:
      return unreachable(spend.state);
  }
}

function sentenceOf(reason: SpendReason): string {
  return SENTENCES[reason];
}

const SENTENCES: Readonly<Record<SpendReason, string>> = {
  insufficient_funds: 'The wallet has too little for it.',
  fee_above_limit: 'It would cost more than its limits allow.',
  fee_share_above_limit: 'A recipient would bear more of the fee than allowed.',
  output_below_dust: 'An output is too small to be relayed.',
  too_many_outputs: 'It would be too large to be relayed.',
  no_fee_estimate: 'The node tells no fee rate; it is asked again.',
  signer_unavailable: 'The signer does not answer; it is asked again.',
  signer_refused: 'The signer refuses it.',
  awaiting_signature: 'Its PSBT waits to be signed elsewhere.',
  node_unavailable: 'The node has not said whether it has it; the same bytes are sent again.',
  broadcast_refused: 'The node refuses it.',
  fee_too_low: 'Its fee is too low for the node now; a higher one is tried within the limits.',
  coin_gone: 'A coin that it spends is gone.',
  conflict_not_final:
    'Somebody else spends its coins in a transaction that may still be undone; this waits until it can not.',
  cancelled: 'It is cancelled; that is for good once its coins have returned 100 blocks deep.',
};
