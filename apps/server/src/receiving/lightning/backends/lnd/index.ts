export { type LndConnection, lndConnectionSchema } from './connection.ts';
export { checkLndMacaroon, createLndNode, type LndOptions } from './lnd-node.ts';
export { type MacaroonReport, payingRights, receivingRights } from './permissions.ts';
