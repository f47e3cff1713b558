-- Pull payments, cards and Lightning addresses (docs/adr/0014-lightning.md).

-- A limit that somebody may draw from by LNURL-withdraw or with a card. Units: millisatoshis for BTC,
-- else the currency's smallest unit (ISO 4217).
CREATE TABLE pull_payment (
  merchant_id   uuid NOT NULL REFERENCES merchant (id),
  id            uuid NOT NULL UNIQUE,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description   text,
  state         text NOT NULL CHECK (state IN ('awaiting_approval', 'active', 'archived')),
  currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  limit_units   bigint NOT NULL CHECK (limit_units > 0),
  -- The limit is fresh with each of these, in UTC; null: one limit for ever.
  period        text CHECK (period IN ('day', 'week', 'month')),
  min_draw_msat bigint NOT NULL CHECK (min_draw_msat > 0),
  max_draw_msat bigint CHECK (max_draw_msat >= min_draw_msat),
  starts_at     timestamptz NOT NULL,
  expires_at    timestamptz CHECK (expires_at > starts_at),
  -- Of the link: SHA-256 of its secret, which is nowhere else. null: only cards draw.
  link_hash     bytea UNIQUE CHECK (length(link_hash) = 32),
  approvals_needed integer NOT NULL CHECK (approvals_needed BETWEEN 0 AND 10),
  approvals     jsonb NOT NULL,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  archived_at   timestamptz,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  CHECK ((state = 'archived') = (archived_at IS NOT NULL))
);
CREATE INDEX pull_payment_by_state ON pull_payment (merchant_id, state, id);
CALL protect_tenant_table('pull_payment');
GRANT SELECT, INSERT, UPDATE ON pull_payment TO quittance_app, quittance_system;

-- What was taken of a limit in one period: of a pull payment (in its units) or of a card's day
-- (msat). The row is the lock and its check the guard: whoever is too late is refused here.
CREATE TABLE draw_allowance (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  holder_id    uuid NOT NULL,
  period_start timestamptz NOT NULL,
  max_units    bigint NOT NULL CHECK (max_units > 0),
  used_units   bigint NOT NULL CHECK (used_units BETWEEN 0 AND max_units),
  PRIMARY KEY (merchant_id, holder_id, period_start)
);
CALL protect_tenant_table('draw_allowance');
GRANT SELECT, INSERT, UPDATE ON draw_allowance TO quittance_app, quittance_system;

-- Who gives out a store's cards: all keys of its cards follow from one (Boltcard, DETERMINISTIC.md).
CREATE TABLE card_issuer (
  merchant_id uuid PRIMARY KEY REFERENCES merchant (id),
  -- Stands in the link of each card of the store; says nothing of the card.
  tag         text NOT NULL UNIQUE CHECK (tag ~ '^[a-z2-7]{12}$'),
  -- AES-256-GCM under a key that is not in the database.
  sealed_key  bytea NOT NULL,
  created_at  timestamptz NOT NULL
);
CALL protect_tenant_table('card_issuer');
GRANT SELECT, INSERT ON card_issuer TO quittance_app, quittance_system;

CREATE TABLE card (
  merchant_id   uuid NOT NULL REFERENCES merchant (id),
  id            uuid NOT NULL UNIQUE,
  pull_payment_id uuid NOT NULL,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  state         text NOT NULL CHECK (state IN ('new', 'active', 'frozen', 'wiped')),
  -- What it is found by: made of the serial number with the issuer key, so that it tells nobody
  -- else the serial number, which itself is kept sealed for the day that the chip is emptied.
  number        bytea CHECK (length(number) = 16),
  sealed_uid    bytea,
  -- Of the keys: counts how often the store programmed this chip.
  key_version   integer CHECK (key_version > 0),
  -- The chip's counter of the last reading that was taken; -1: none.
  counter       integer NOT NULL CHECK (counter BETWEEN -1 AND 16777215),
  -- A reading that was taken before was shown again since the last good one; told once.
  replay_told   boolean NOT NULL,
  per_payment_max_msat bigint CHECK (per_payment_max_msat > 0),
  daily_limit_msat     bigint CHECK (daily_limit_msat > 0),
  -- The programming link: SHA-256 of its secret, which is nowhere else.
  program_hash  bytea UNIQUE CHECK (length(program_hash) = 32),
  program_expires_at timestamptz,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  programmed_at timestamptz,
  last_tapped_at timestamptz,
  wiped_at      timestamptz,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, pull_payment_id) REFERENCES pull_payment (merchant_id, id),
  UNIQUE (merchant_id, number, key_version),
  CHECK ((number IS NULL) = (sealed_uid IS NULL)),
  CHECK ((key_version IS NULL) = (programmed_at IS NULL)),
  CHECK (key_version IS NULL OR number IS NOT NULL),
  CHECK ((program_hash IS NULL) = (program_expires_at IS NULL)),
  CHECK (state <> 'active' OR key_version IS NOT NULL),
  CHECK ((state = 'wiped') = (wiped_at IS NOT NULL))
);
-- A chip has one set of keys at a time.
CREATE UNIQUE INDEX card_of_chip ON card (merchant_id, number)
  WHERE state <> 'wiped' AND number IS NOT NULL;
CREATE INDEX card_by_state ON card (merchant_id, state, id);
CREATE INDEX card_of_pull_payment ON card (merchant_id, pull_payment_id, id);
CALL protect_tenant_table('card');
GRANT SELECT, INSERT, UPDATE ON card TO quittance_app, quittance_system;

-- One draw: what it took of which limits, and the payout that pays it. Never deleted.
CREATE TABLE pull_payment_draw (
  merchant_id  uuid NOT NULL,
  id           uuid NOT NULL UNIQUE,
  pull_payment_id uuid NOT NULL,
  card_id      uuid,
  -- open: counts, however long its outcome is not known. failed: given back.
  state        text NOT NULL CHECK (state IN ('open', 'paid', 'failed')),
  reason       text,
  amount_msat  bigint NOT NULL CHECK (amount_msat > 0),
  -- What it takes of the pull payment's limit, and of which period.
  units        bigint NOT NULL CHECK (units > 0),
  period_start timestamptz NOT NULL,
  -- The card's day that it takes amount_msat of; null where the card has no such limit.
  card_day     timestamptz,
  rate         jsonb,
  invoice      text NOT NULL,
  payout_id    uuid NOT NULL,
  created_at   timestamptz NOT NULL,
  finished_at  timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, pull_payment_id) REFERENCES pull_payment (merchant_id, id),
  FOREIGN KEY (merchant_id, card_id) REFERENCES card (merchant_id, id),
  CHECK ((state = 'open') = (finished_at IS NULL)),
  CHECK (card_day IS NULL OR card_id IS NOT NULL),
  CHECK (state = 'failed' OR reason IS NULL)
);
CREATE UNIQUE INDEX pull_payment_draw_of_payout ON pull_payment_draw (merchant_id, payout_id);
CREATE INDEX pull_payment_draw_of ON pull_payment_draw (merchant_id, pull_payment_id, id);
CREATE INDEX pull_payment_draw_of_card ON pull_payment_draw (merchant_id, card_id, id)
  WHERE card_id IS NOT NULL;
CALL protect_tenant_table('pull_payment_draw');
GRANT SELECT, INSERT, UPDATE ON pull_payment_draw TO quittance_app, quittance_system;

-- What a wallet or a terminal may do with one k1 (LUD-03): one draw, soon.
CREATE TABLE withdraw_request (
  merchant_id  uuid NOT NULL,
  id           uuid NOT NULL UNIQUE,
  k1_hash      bytea NOT NULL UNIQUE CHECK (length(k1_hash) = 32),
  pull_payment_id uuid NOT NULL,
  -- The tap that it was given for.
  card_id      uuid,
  card_counter integer,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  -- A refusal is told of once for each request.
  refusal_told boolean NOT NULL DEFAULT false,
  draw_id      uuid,
  -- The payment hash of the invoice that it was used for.
  payment_hash bytea CHECK (length(payment_hash) = 32),
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, pull_payment_id) REFERENCES pull_payment (merchant_id, id),
  FOREIGN KEY (merchant_id, card_id) REFERENCES card (merchant_id, id),
  FOREIGN KEY (merchant_id, draw_id) REFERENCES pull_payment_draw (merchant_id, id)
    DEFERRABLE INITIALLY DEFERRED,
  CHECK ((card_id IS NULL) = (card_counter IS NULL)),
  CHECK ((draw_id IS NULL) = (payment_hash IS NULL))
);
-- One reading of a card is good for one request.
CREATE UNIQUE INDEX withdraw_request_of_tap ON withdraw_request (merchant_id, card_id, card_counter)
  WHERE card_id IS NOT NULL;
CREATE INDEX withdraw_request_unused ON withdraw_request (expires_at) WHERE draw_id IS NULL;
CALL protect_tenant_table('withdraw_request');
GRANT SELECT, INSERT, UPDATE ON withdraw_request TO quittance_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON withdraw_request TO quittance_system;

-- A name before the "@" (LUD-16). It is its store's for ever: a name that another store could take
-- over would send it the money of people who know the old one.
CREATE TABLE lightning_address (
  merchant_id    uuid NOT NULL REFERENCES merchant (id),
  id             uuid NOT NULL UNIQUE,
  name           text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?$'),
  description    text NOT NULL CHECK (length(description) BETWEEN 1 AND 200),
  min_msat       bigint NOT NULL CHECK (min_msat > 0),
  max_msat       bigint NOT NULL CHECK (max_msat >= min_msat),
  comment_length integer NOT NULL CHECK (comment_length BETWEEN 0 AND 500),
  enabled        boolean NOT NULL,
  created_by     text NOT NULL,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id)
);
CALL protect_tenant_table('lightning_address');
GRANT SELECT, INSERT, UPDATE ON lightning_address TO quittance_app, quittance_system;
