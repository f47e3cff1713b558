-- A public descriptor that a merchant receives on. Addresses are handed out in the order of
-- their index; the wallet row is the counter, so an index is never handed out twice.
CREATE TABLE receiving_wallet (
  merchant_id       uuid NOT NULL REFERENCES merchant (id),
  id                uuid NOT NULL UNIQUE,
  descriptor        text NOT NULL,
  network           text NOT NULL,
  active            boolean NOT NULL,
  created_at        timestamptz NOT NULL,
  derived_through   integer NOT NULL DEFAULT -1,
  next_index        integer NOT NULL DEFAULT 0,
  highest_paid_index integer NOT NULL DEFAULT -1,
  -- Some derived index can't be handed out: another store's wallet has its script, or somebody paid
  -- it first. Then what is free has to be counted.
  has_gaps          boolean NOT NULL DEFAULT false,
  PRIMARY KEY (merchant_id, id),
  CHECK (next_index <= derived_through + 1)
);
CREATE UNIQUE INDEX receiving_wallet_active ON receiving_wallet (merchant_id) WHERE active;
CALL protect_tenant_table('receiving_wallet');
GRANT SELECT, INSERT, UPDATE (active, next_index, derived_through, has_gaps)
  ON receiving_wallet TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON receiving_wallet TO quittance_system;

-- The pool of pre-derived addresses. id orders them for the watcher, which loads what is new.
CREATE TABLE address (
  id               integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  merchant_id      uuid NOT NULL,
  wallet_id        uuid NOT NULL,
  index            integer NOT NULL,
  script           bytea NOT NULL UNIQUE,
  address          text NOT NULL,
  -- Somebody paid it before an order had it: it is passed over, since addresses are not reused.
  foreign_use      boolean NOT NULL DEFAULT false,
  PRIMARY KEY (merchant_id, wallet_id, index),
  FOREIGN KEY (merchant_id, wallet_id) REFERENCES receiving_wallet (merchant_id, id)
);
CALL protect_tenant_table('address');
GRANT SELECT, INSERT ON address TO quittance_app;
GRANT SELECT, INSERT, UPDATE (foreign_use) ON address TO quittance_system;

CREATE TABLE orders (
  merchant_id            uuid NOT NULL REFERENCES merchant (id),
  id                     uuid NOT NULL UNIQUE,
  external_id            text,
  description            text,
  metadata               jsonb NOT NULL,
  redirect_url           text,
  -- The price as the shop asked for it, in smallest units of price_currency (BTC: satoshis).
  price_currency         text NOT NULL,
  price_minor            bigint NOT NULL CHECK (price_minor > 0),
  -- The locked rate (source, time, spread, rounding); null for an order priced in BTC.
  rate                   jsonb,
  due_sats               bigint NOT NULL CHECK (due_sats > 0),
  -- An order is paid when due - below has arrived, overpaid when more than due + above has.
  tolerance_below_sats   bigint NOT NULL CHECK (tolerance_below_sats >= 0),
  tolerance_above_sats   bigint NOT NULL CHECK (tolerance_above_sats >= 0),
  required_confirmations integer NOT NULL CHECK (required_confirmations BETWEEN 1 AND 100),
  late_policy            text NOT NULL CHECK (late_policy IN ('hold', 'accept')),
  wallet_id              uuid NOT NULL,
  address_index          integer NOT NULL,
  address                text NOT NULL,
  created_at             timestamptz NOT NULL,
  expires_at             timestamptz NOT NULL,
  -- What is first seen later is held for the merchant's decision, whatever the policy.
  monitor_until          timestamptz NOT NULL CHECK (monitor_until >= expires_at),
  -- Facts that the transitions of receiving/payments keep; nobody else writes them.
  status                 text NOT NULL CHECK (status IN ('PENDING', 'UNCONFIRMED', 'CONFIRMED',
                           'UNDERPAID', 'OVERPAID', 'EXPIRED', 'INVALID', 'REFUNDED')),
  expired_at             timestamptz,
  cancelled_at           timestamptz,
  late_accepted_at       timestamptz,
  received_sats          bigint NOT NULL DEFAULT 0 CHECK (received_sats >= 0),
  confirmed_sats         bigint NOT NULL DEFAULT 0 CHECK (confirmed_sats >= 0),
  late_sats              bigint NOT NULL DEFAULT 0 CHECK (late_sats >= 0),
  -- What the ledger holds as applied to this order, and how often it was applied and undone.
  settled_sats           bigint NOT NULL DEFAULT 0 CHECK (settled_sats >= 0),
  settlement_epoch       integer NOT NULL DEFAULT 0,
  version                integer NOT NULL DEFAULT 1,
  updated_at             timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (wallet_id, address_index)
);
CREATE INDEX orders_by_external_id ON orders (merchant_id, external_id, id)
  WHERE external_id IS NOT NULL;
CREATE INDEX orders_by_status ON orders (merchant_id, status, id);
CREATE INDEX orders_to_expire ON orders (expires_at) WHERE expired_at IS NULL
  AND cancelled_at IS NULL AND status IN ('PENDING', 'UNDERPAID', 'UNCONFIRMED');
CALL protect_tenant_table('orders');
GRANT SELECT, INSERT, UPDATE ON orders TO quittance_app, quittance_system;

-- One output that pays one order. Never deleted: a payment that vanished says so in its state.
CREATE TABLE payment (
  merchant_id        uuid NOT NULL,
  id                 uuid NOT NULL,
  order_id           uuid NOT NULL,
  txid               bytea NOT NULL,
  vout               integer NOT NULL,
  amount_sats        bigint NOT NULL CHECK (amount_sats > 0),
  state              text NOT NULL CHECK (state IN ('seen', 'included', 'confirmed', 'final',
                       'replaced', 'dropped')),
  late               boolean NOT NULL,
  first_seen_at      timestamptz NOT NULL,
  height             integer,
  block_hash         bytea,
  confirms_at_height integer,
  finals_at_height   integer,
  replaced_by        bytea,
  -- Counts the payment's ledger transfers, so that each has an id of its own across reorgs.
  ledger_epoch       integer NOT NULL DEFAULT 0,
  updated_at         timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (txid, vout),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id),
  CHECK ((state IN ('included', 'confirmed', 'final')) = (height IS NOT NULL))
);
CREATE INDEX payment_of_order ON payment (merchant_id, order_id);
CREATE INDEX payment_to_confirm ON payment (confirms_at_height) WHERE state = 'included';
CREATE INDEX payment_to_finalise ON payment (finals_at_height) WHERE state = 'confirmed';
CREATE INDEX payment_by_block ON payment (height) WHERE state IN ('included', 'confirmed');
CREATE INDEX payment_unconfirmed ON payment (txid) WHERE state = 'seen';
CALL protect_tenant_table('payment');
GRANT SELECT ON payment TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON payment TO quittance_system;
