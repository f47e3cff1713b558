import { unreachable } from '@quittance/kernel';
import type { LightningFailureClass } from '@quittance/contract';
import type { Estimate } from './estimate.ts';

/** Below this confidence it is said that hardly anything is known. */
const KNOWN = 0.25;

/** What a person may expect before sending, in one or two sentences. */
export function describeEstimate({ probability, confidence, evidence, context }: Estimate): string {
  const attempts = Math.round(evidence);
  const basis =
    attempts === 0
      ? 'Nothing is known of this recipient'
      : `${attempts} recent ${attempts === 1 ? 'attempt' : 'attempts'} to this recipient`;
  if (context.kind === 'first') {
    if (confidence < KNOWN) {
      return `${basis}. Others of this size would arrive ${inTen(probability)}, as a rough guess.`;
    }
    return `${basis}. A payment of this size should arrive ${inTen(probability)}.`;
  }
  const { failureClass, elapsedMs } = context;
  const guess = confidence < KNOWN ? ', as a rough guess' : '';
  return (
    `The last attempt failed ${ago(elapsedMs)} ago: ${whatFailed(failureClass)}. ` +
    `Another one now should arrive ${inTen(probability)}${guess}.`
  );
}

/** A share as people count. */
function inTen(probability: number): string {
  if (probability >= 0.97) return 'nearly always';
  if (probability < 0.03) return 'hardly ever';
  const tenths = Math.round(probability * 10);
  if (tenths === 10) return 'in more than 9 of 10 cases';
  return tenths === 0 ? 'in less than 1 of 10 cases' : `in about ${tenths} of 10 cases`;
}

function ago(elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1_000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function whatFailed(failureClass: LightningFailureClass): string {
  switch (failureClass) {
    case 'no_route':
      return 'no path led to the recipient';
    case 'insufficient_capacity':
      return 'a channel on the way could not carry so much';
    case 'fee_limit':
      return 'every path cost more than is allowed';
    case 'peer_offline':
      return 'a node on the way or the recipient was offline';
    case 'not_resolved':
      return 'the address gave no invoice';
    case 'timeout_unknown':
      return 'it took too long';
    case 'expired':
    case 'insufficient_local_balance':
    case 'recipient_rejected':
    case 'amount_out_of_range':
    case 'wrong_network':
    case 'invalid':
    case 'already_paid':
    case 'node_unavailable':
      return 'for a reason that is no sign of the path';
    default:
      return unreachable(failureClass);
  }
}
