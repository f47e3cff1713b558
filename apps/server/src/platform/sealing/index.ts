export { sealBytes, UnsealError, unsealBytes } from './sealed-bytes.ts';
export { openSealer, type Sealer } from './sealer.ts';
