export { type ClnOptions, openClnNode } from './cln-node.ts';
export { type ClnConnection, clnConnectionSchema } from './connection.ts';
export { payingMethods, receivingMethods } from './permissions.ts';
