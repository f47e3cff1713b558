-- Lightning, receiving (docs/adr/0014-lightning.md). A node belongs to one store: what its channels
-- hold is in that store's book, so two stores on one node would each have the other's money in theirs.
CREATE TABLE lightning_node (
  merchant_id   uuid NOT NULL REFERENCES merchant (id),
  id            uuid NOT NULL UNIQUE,
  kind          text NOT NULL CHECK (kind IN ('lnd', 'cln', 'nwc', 'embedded')),
  network       text NOT NULL,
  -- The node's public key (NWC: the wallet's).
  node_id       bytea NOT NULL,
  alias         text NOT NULL,
  -- Where it is reached, without any secret; null where there is no address (embedded).
  url           text,
  -- Address, certificate and credentials, AES-256-GCM under a key that is not in the database.
  sealed        bytea NOT NULL,
  active        boolean NOT NULL,
  -- How far the node's events have been taken in, in the backend's own words.
  cursor        text,
  -- What the node's channels held when it was last read, and when that was.
  snapshot      jsonb,
  snapshot_at   timestamptz,
  -- Why it could not be read the last time, and since when it can not be read.
  problem       text,
  problem_since timestamptz,
  -- What comparing its balance with the book has shown the last time.
  comparison    jsonb,
  compared_at   timestamptz,
  created_at    timestamptz NOT NULL,
  removed_at    timestamptz,
  PRIMARY KEY (merchant_id, id),
  CHECK ((comparison IS NULL) = (compared_at IS NULL)),
  CHECK (active = (removed_at IS NULL)),
  CHECK ((problem IS NULL) = (problem_since IS NULL)),
  CHECK ((snapshot IS NULL) = (snapshot_at IS NULL))
);
CREATE UNIQUE INDEX lightning_node_of_store ON lightning_node (merchant_id) WHERE active;
CREATE UNIQUE INDEX lightning_node_of_one_store ON lightning_node (node_id) WHERE active;
CALL protect_tenant_table('lightning_node');
GRANT SELECT, INSERT, UPDATE (active, removed_at) ON lightning_node TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON lightning_node TO quittance_system;

-- An invoice that a store's node was asked for. Never deleted: what is paid late finds it here.
CREATE TABLE lightning_invoice (
  merchant_id    uuid NOT NULL,
  id             uuid NOT NULL UNIQUE,
  lightning_node uuid NOT NULL,
  payment_hash   bytea NOT NULL CHECK (length(payment_hash) = 32),
  -- order: for what remains of an order. api: asked for by the store. lnurl: by a payer of the store.
  purpose        text NOT NULL CHECK (purpose IN ('order', 'api', 'lnurl')),
  order_id       uuid,
  -- What whoever asked for it wants to find again, such as a payer's comment.
  metadata       jsonb NOT NULL,
  description    text NOT NULL,
  bolt11         text NOT NULL,
  -- Null: the payer chooses.
  amount_msat    bigint CHECK (amount_msat > 0),
  hold           boolean NOT NULL,
  -- cancelling, settling: decided and on record, but the node has not said yes yet.
  state          text NOT NULL CHECK (state IN ('open', 'held', 'settling', 'settled', 'cancelling',
                   'cancelled')),
  -- Why it is, or was, cancelled.
  reason         text CHECK (reason IN ('superseded', 'expired', 'order_closed', 'asked',
                   'node_cancelled')),
  received_msat  bigint NOT NULL DEFAULT 0 CHECK (received_msat >= 0),
  preimage       bytea CHECK (length(preimage) = 32),
  created_at     timestamptz NOT NULL,
  expires_at     timestamptz NOT NULL,
  settled_at     timestamptz,
  -- When the node is asked about it again without anybody having rung.
  look_at        timestamptz,
  version        integer NOT NULL DEFAULT 1,
  updated_at     timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (merchant_id, payment_hash),
  FOREIGN KEY (merchant_id, lightning_node) REFERENCES lightning_node (merchant_id, id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id),
  CHECK ((purpose = 'order') = (order_id IS NOT NULL)),
  CHECK ((state = 'settled') = (settled_at IS NOT NULL)),
  CHECK (state NOT IN ('cancelling', 'cancelled') OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX lightning_invoice_open ON lightning_invoice (merchant_id, order_id)
  WHERE state = 'open' AND order_id IS NOT NULL;
CREATE INDEX lightning_invoice_due ON lightning_invoice (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX lightning_invoice_of_order ON lightning_invoice (merchant_id, order_id, id)
  WHERE order_id IS NOT NULL;
CALL protect_tenant_table('lightning_invoice');
GRANT SELECT, INSERT, UPDATE ON lightning_invoice TO quittance_app, quittance_system;

-- What nodes have told, as they told it; recorded before anything is made of it. Append-only.
CREATE TABLE lightning_event (
  merchant_id    uuid NOT NULL,
  lightning_node uuid NOT NULL,
  -- SHA-256 of what was told: a node may tell the same thing again.
  digest         bytea NOT NULL CHECK (length(digest) = 32),
  type           text NOT NULL,
  payment_hash   bytea NOT NULL,
  data           jsonb NOT NULL,
  recorded_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, lightning_node, digest),
  FOREIGN KEY (merchant_id, lightning_node) REFERENCES lightning_node (merchant_id, id)
);
CREATE INDEX lightning_event_of_payment ON lightning_event (merchant_id, payment_hash);
CALL protect_tenant_table('lightning_event');
GRANT SELECT ON lightning_event TO quittance_app;
GRANT SELECT, INSERT ON lightning_event TO quittance_system;

-- A payment comes by an output on the chain or by a settled invoice. The latter has no transaction,
-- no block and no way back: it is final at once.
ALTER TABLE payment
  ADD COLUMN method text NOT NULL DEFAULT 'onchain' CHECK (method IN ('onchain', 'lightning')),
  ADD COLUMN payment_hash bytea CHECK (length(payment_hash) = 32),
  ALTER COLUMN txid DROP NOT NULL,
  ALTER COLUMN vout DROP NOT NULL,
  DROP CONSTRAINT payment_check,
  ADD CHECK (CASE method
    WHEN 'onchain' THEN txid IS NOT NULL AND vout IS NOT NULL AND payment_hash IS NULL
      AND (state IN ('included', 'confirmed', 'final')) = (height IS NOT NULL)
    ELSE txid IS NULL AND vout IS NULL AND payment_hash IS NOT NULL AND state = 'final'
      AND height IS NULL END);
CREATE UNIQUE INDEX payment_by_hash ON payment (merchant_id, payment_hash)
  WHERE payment_hash IS NOT NULL;
