export { type LndConnection } from './connection.ts';
export { checkLndMacaroon, createLndNode } from './lnd-node.ts';
export { payingRights, receivingRights } from './permissions.ts';
