export { sealBytes, unsealBytes } from './sealed-bytes.ts';
export { openSealer, type Sealer, SecretsKeyError, UnsealError } from './sealer.ts';
