import type { LndChannel } from './shapes.ts';

/** Weights of BOLT 3, "Fee Calculation": the transaction, and what each untrimmed HTLC adds. */
const WEIGHTS: Readonly<Record<string, number>> = {
  LEGACY: 724,
  STATIC_REMOTE_KEY: 724,
  ANCHORS: 1_124,
};
const HTLC_WEIGHT = 172;
/** Of the second-stage transactions, whose fee decides what is dust. With anchors they pay none. */
const TIMEOUT_WEIGHT = 663;
const SUCCESS_WEIGHT = 703;
const PER_KILO = 1_000n;

/**
 * What the opener of the channel pays for our commitment transaction, in satoshis. LND's `commit_fee`
 * is what the transaction leaves to the miners: that, and every HTLC that is too small for an output,
 * and the fractions of a satoshi. So the fee is computed as BOLT 3 has it; for kinds of channels that
 * are not known here, LND's number has to do.
 */
export function commitmentFeeSats(channel: LndChannel): bigint {
  const weight = WEIGHTS[channel.commitment_type];
  if (weight === undefined) return channel.commit_fee;
  const untrimmed = channel.pending_htlcs.filter((htlc) => !isTrimmed(channel, htlc)).length;
  const total = BigInt(weight + HTLC_WEIGHT * untrimmed);
  return (channel.fee_per_kw * total) / PER_KILO;
}

/** BOLT 3, "Trimmed Outputs", for our own commitment transaction. */
function isTrimmed(
  { commitment_type, fee_per_kw, local_constraints }: LndChannel,
  { incoming, amount }: LndChannel['pending_htlcs'][number],
): boolean {
  const weight = BigInt(incoming ? SUCCESS_WEIGHT : TIMEOUT_WEIGHT);
  const spendFee = commitment_type === 'ANCHORS' ? 0n : (fee_per_kw * weight) / PER_KILO;
  return amount < (local_constraints?.dust_limit_sat ?? 0n) + spendFee;
}
