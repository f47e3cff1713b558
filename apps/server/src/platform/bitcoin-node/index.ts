export {
  type BatchCall,
  type BatchResult,
  type BitcoinRpc,
  BitcoinRpcError,
  type BitcoinRpcTarget,
  createBitcoinRpc,
  type RpcParams,
} from './rpc.ts';
