export { type ErrorCode, errorTable } from './errors.ts';
