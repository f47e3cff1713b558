import type { ConnectLightningNode, LightningNodeKind } from '@quittance/contract';
import { LightningNodeError } from './errors.ts';
import type { LightningNode } from './lightning-node.ts';

/** How a node is reached: as the store has given it, and as it is sealed in the database. */
export type NodeConnection = ConnectLightningNode;
export type ConnectionOf<Kind extends LightningNodeKind> = Extract<NodeConnection, { kind: Kind }>;

/** Makes the client of a node. Nothing is asked of the node before the first call. */
export type OpenBackend = (connection: NodeConnection) => LightningNode | Promise<LightningNode>;

/** What opens each kind; a kind that is absent is refused with the reason. */
export type Backends = {
  [Kind in LightningNodeKind]?: (
    connection: ConnectionOf<Kind>,
  ) => LightningNode | Promise<LightningNode>;
};

const REASONS: Record<LightningNodeKind, string> = {
  lnd: 'this server has no client for LND',
  cln: 'this server has no client for Core Lightning',
  nwc: 'this server has no client for Nostr Wallet Connect',
  embedded:
    'the server has started no node of its own: it does so on regtest alone, because the library ' +
    'that it is made with is older than fixes of its upstream (docs/lightning.md)',
};

/** @throws {LightningNodeError} `unsupported` where a kind is not there */
export function backendsOpener(backends: Backends): OpenBackend {
  return (connection) => {
    switch (connection.kind) {
      case 'lnd':
        return open(backends.lnd, connection);
      case 'cln':
        return open(backends.cln, connection);
      case 'nwc':
        return open(backends.nwc, connection);
      case 'embedded':
        return open(backends.embedded, connection);
    }
  };
}

function open<Connection extends NodeConnection>(
  backend: ((connection: Connection) => LightningNode | Promise<LightningNode>) | undefined,
  connection: Connection,
): LightningNode | Promise<LightningNode> {
  if (backend === undefined) throw new LightningNodeError('unsupported', REASONS[connection.kind]);
  return backend(connection);
}

/** What may be shown of where a node is: never a user or a password in the address. */
export function shownUrl(connection: NodeConnection): string | null {
  if (!('url' in connection)) return null;
  const url = new URL(connection.url);
  return `${url.protocol}//${url.host}`;
}
