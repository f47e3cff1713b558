export { type NwcConnection, nwcConnectionSchema } from './connection.ts';
export { type NwcOptions, openNwcNode } from './nwc-node.ts';
