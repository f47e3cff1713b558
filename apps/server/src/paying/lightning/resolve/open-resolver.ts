import { openOutboundReader } from '../../../platform/outbound/index.ts';
import type { ResolveDeps } from './resolve-destination.ts';

export type ResolverSettings = {
  /** Names or addresses, without port, that may be on a private network. */
  readonly privateHosts: readonly string[];
  /** Plain http, which anybody on the way can change: the private hosts are asked so. */
  readonly allowHttp: boolean;
};

export type Resolver = ResolveDeps & { close(): Promise<void> };

/** Opens what `resolveDestination` asks with. Without settings: public servers, over https. */
export function openResolver(
  { privateHosts, allowHttp }: ResolverSettings = { privateHosts: [], allowHttp: false },
): Resolver {
  const reader = openOutboundReader({ policy: { privateHosts, allowInsecureHttp: allowHttp } });
  return {
    reader,
    plainHttpHosts: allowHttp ? privateHosts : [],
    close: () => reader.close(),
  };
}
