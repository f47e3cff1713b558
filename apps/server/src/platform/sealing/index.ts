export { openSealer, type Sealer, SecretsKeyError, UnsealError } from './sealer.ts';
