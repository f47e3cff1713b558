export { openSealer, type Sealer, UnsealError } from './sealer.ts';
