export {
  bip21ForQr,
  formatBip21,
  type ParsedBip21,
  type PaymentRequest,
  parseBip21,
} from './bip21.ts';
export {
  addressToScript,
  type ParsedAddress,
  scriptToAddress,
} from './addresses.ts';
export { type BlockHeader, checkProofOfWork, parseHeader } from './block-header.ts';
export {
  deriveAddress,
  deriveScript,
  deriveScripts,
  MAX_DERIVED_SCRIPTS,
} from './descriptors/derive.ts';
export {
  type Descriptor,
  type DescriptorKind,
  type ParsedDescriptor,
  parseDescriptor,
} from './descriptors/descriptor.ts';
export type { KeyExpression, KeyOrigin } from './descriptors/key-expression.ts';
export { parseReceivingDescriptor, type SingleKeyType } from './descriptors/receiving.ts';
export type { DescriptorRefusalCode } from './descriptors/refusal.ts';
export { MalformedError } from './errors.ts';
export { blockTxids, checkMerkleRoot } from './merkle.ts';
export {
  isNetwork,
  type Network,
  type NetworkParameters,
  networkOfGenesis,
  networks,
} from './networks.ts';
export {
  type PaymentSource,
  paymentSource,
  type SourceWarning,
  sourceWarnings,
} from './source/payment-source.ts';
export {
  type MatchedOutput,
  type MatchedSpend,
  scanBlock,
  scanTransaction,
  type TxMatch,
} from './scanner.ts';
export { type AddressableScript, classifyScript, type ScriptKind } from './scripts.ts';
export {
  displayHash,
  parseHash,
  parseOutputs,
  parseTransaction,
  type Transaction,
  type TransactionInput,
  type TransactionOutput,
} from './transaction.ts';
export { OutpointTable, outpointBytes, ScriptTable, type Watch } from './watch-table.ts';
export {
  type Coin,
  MAX_CONSOLIDATION_INPUTS,
  MAX_INPUTS,
  type Payment,
  type Plan,
  type PlannedPayment,
  type Selection,
  type SelectionAlgorithm,
  type SelectionLimits,
  type SelectionRequest,
} from './coin-selection/plan.ts';
export { selectCoins } from './coin-selection/select-coins.ts';
export { apportion } from './coin-selection/shares.ts';
export {
  type DescriptorSizes,
  descriptorSizes,
  dustLimit,
  type InputSize,
  inputWeight,
  outputWeight,
  type SignatureSizes,
  transactionWeight,
  vsizeOf,
} from './coin-selection/sizes.ts';
export {
  DEFAULT_LONG_TERM_FEE_RATE,
  type FeeRate,
  feeFor,
  feeRateOf,
  formatFeeRate,
  MIN_RELAY_FEE_RATE,
  type ParsedFeeRate,
  parseFeeRate,
} from './fees/fee-rate.ts';
export {
  ancestorDebt,
  type Ancestors,
  type ChildFee,
  childFee,
  MAX_PACKAGE_TRANSACTIONS,
  MAX_PACKAGE_VSIZE,
  MAX_STANDARD_WEIGHT,
  type Replaced,
  replacementFee,
} from './fees/replacement.ts';
export { deriveSpendingScripts, type SpendingScripts } from './descriptors/derive.ts';
export {
  MAX_BBQR_PARTS,
  type ReadBbqr,
  readBbqr,
  writeBbqr,
} from './psbt/bbqr.ts';
export {
  buildPsbt,
  type OwnScript,
  type PsbtInput,
  type PsbtOutput,
  REPLACEABLE_SEQUENCE,
} from './psbt/build-psbt.ts';
export {
  type CheckedPsbt,
  checkSignedPsbt,
  combinePsbts,
  type FinalizedPsbt,
  finalizePsbt,
} from './psbt/collect-signatures.ts';
export { antiFeeSniping, shuffled } from './psbt/habits.ts';
export { MAX_PSBT_BYTES, psbtToBase64 } from './psbt/psbt-format.ts';
export { type Sighashes, sighashesOf } from './sighash.ts';
export {
  type InputProof,
  type UnsignedTransaction,
  writeTransaction,
} from './transaction-writer.ts';
export {
  formatLabels,
  type Label,
  type LabelError,
  type LabelType,
  MAX_LABEL_LINES,
  type ParsedLabels,
  parseLabels,
} from './labels/bip329.ts';
export {
  MAX_MESSAGE_LENGTH,
  type MessageForm,
  type VerifiedMessage,
  verifyMessage,
} from './signed-message/verify-message.ts';
export { verifyNodeMessage } from './signed-message/node-message.ts';
export { looksLikeCoinjoin, looksLikeExchangeBatch } from './source/looks-like.ts';
export {
  type DecodedBolt11,
  decodeBolt11,
  DEFAULT_EXPIRY_SECONDS,
  DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA,
  MAX_BOLT11_LENGTH,
  type ParsedBolt11,
} from './lightning/bolt11.ts';
export type { RouteHop } from './lightning/bolt11-fields.ts';
export type { Bolt11ErrorCode } from './lightning/bolt11-refusal.ts';
export { type Bolt11Fields, encodeBolt11 } from './lightning/encode-bolt11.ts';
export { type LightningNetwork, lightningNetworkOf } from './lightning/network.ts';
export {
  type LightningDestination,
  type ParsedDestination,
  parseLightningDestination,
} from './lightning/destination.ts';
export {
  decodeLnurl,
  encodeLnurl,
  type LightningAddress,
  lightningAddressUrl,
  type LnurlPurpose,
  lnurlWithScheme,
  type ParsedLightningAddress,
  type ParsedLnurl,
  parseLightningAddress,
} from './lightning/lnurl.ts';
export {
  decodeOffer,
  type Offer,
  type OfferAmount,
  type ParsedOffer,
} from './lightning/offer.ts';
