import type { Backends } from './backends.ts';
import { createEmbeddedNode } from './backends/embedded/index.ts';

/**
 * The clients of real nodes, by kind.
 * @param options.embeddedSocket of the node that this server has started; null: it has started none
 */
export function systemBackends(options: { embeddedSocket: string | null }): Backends {
  const { embeddedSocket: socketPath } = options;
  return {
    ...(socketPath === null ? {} : { embedded: () => createEmbeddedNode({ socketPath }) }),
  };
}
