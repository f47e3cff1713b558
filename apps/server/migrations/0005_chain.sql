-- What has been taken in from the Bitcoin network. No tenant: only quittance_system sees it.

-- The last block whose effects are committed. Effects and cursor move in one transaction.
CREATE TABLE chain_cursor (
  network    text PRIMARY KEY,
  height     integer NOT NULL,
  hash       bytea NOT NULL,
  updated_at timestamptz NOT NULL
);

-- The active chain as processed, one row a height, for walking back in a reorganisation.
CREATE TABLE chain_block (
  height    integer PRIMARY KEY,
  hash      bytea NOT NULL,
  prev_hash bytea NOT NULL,
  time      timestamptz NOT NULL
);

-- Transactions that pay a watched script or conflict with one that does.
CREATE TABLE chain_transaction (
  txid          bytea PRIMARY KEY,
  raw           bytea NOT NULL,
  state         text NOT NULL CHECK (state IN ('mempool', 'block', 'replaced', 'dropped')),
  height        integer,
  block_hash    bytea,
  replaced_by   bytea,
  first_seen_at timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL
);
CREATE INDEX chain_transaction_unconfirmed ON chain_transaction (txid) WHERE state = 'mempool';
CREATE INDEX chain_transaction_block ON chain_transaction (height) WHERE state = 'block';

-- What those transactions spend: two that name the same outpoint conflict.
CREATE TABLE chain_spend (
  prev_txid bytea NOT NULL,
  prev_vout bigint NOT NULL,
  txid      bytea NOT NULL REFERENCES chain_transaction (txid),
  PRIMARY KEY (prev_txid, prev_vout, txid)
);
CREATE INDEX chain_spend_by_transaction ON chain_spend (txid);

-- Everything that happened, in the order it was taken in. Append-only.
CREATE TABLE chain_event (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at timestamptz NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('block_connected', 'block_disconnected',
                'transaction_seen', 'transaction_included', 'transaction_returned',
                'transaction_replaced', 'transaction_dropped')),
  height      integer,
  block_hash  bytea,
  txid        bytea,
  other_txid  bytea
);
CREATE INDEX chain_event_by_transaction ON chain_event (txid) WHERE txid IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON chain_cursor, chain_transaction TO quittance_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON chain_block TO quittance_system;
GRANT SELECT, INSERT ON chain_spend, chain_event TO quittance_system;
GRANT SELECT ON chain_cursor TO quittance_app;
