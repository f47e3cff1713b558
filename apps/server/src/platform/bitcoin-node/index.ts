export {
  type BatchCall,
  type BatchResult,
  type BitcoinRpc,
  BitcoinRpcError,
  type BitcoinRpcTarget,
  createBitcoinRpc,
  parseNodeJson,
  type RpcParams,
} from './rpc.ts';
