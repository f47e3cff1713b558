export { openNwcNode } from './nwc-node.ts';
