export { createEmbeddedNode } from './embedded-node.ts';
