export {
  addressToScript,
  type ParsedAddress,
  scriptToAddress,
} from './addresses.ts';
export { type BlockHeader, checkProofOfWork, parseHeader } from './block-header.ts';
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
  type MatchedOutput,
  type MatchedSpend,
  scanBlock,
  scanTransaction,
  type TxMatch,
  type Watch,
} from './scanner.ts';
export { type AddressableScript, classifyScript, type ScriptKind } from './scripts.ts';
export {
  displayHash,
  parseHash,
  parseTransaction,
  type Transaction,
  type TransactionInput,
  type TransactionOutput,
} from './transaction.ts';
export { OutpointTable, outpointBytes, ScriptTable } from './watch-table.ts';
