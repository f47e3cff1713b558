-- Monitoring of payments (compliance/monitoring, docs/monitoring.md).

-- Settings of the rules, a version for each proposal. What is in force was approved by a second
-- person. A store without one has what is shipped.
CREATE TABLE monitoring_config (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  id          uuid NOT NULL UNIQUE,
  version     integer NOT NULL CHECK (version > 0),
  state       text NOT NULL CHECK (state IN ('proposed', 'active', 'superseded', 'rejected')),
  -- Parsed by monitoringSettingsSchema of the contract.
  settings    jsonb NOT NULL,
  reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
  proposed_by text NOT NULL,
  proposed_at timestamptz NOT NULL,
  decided_by  text,
  decided_at  timestamptz,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (merchant_id, version),
  CHECK ((state = 'proposed') = (decided_by IS NULL) AND (state = 'proposed') = (decided_at IS NULL)),
  -- Who proposed it may take it back, but not put it into force. That two keys are not one person's
  -- is checked above it.
  CHECK (state = 'rejected' OR proposed_by <> decided_by)
);
CREATE UNIQUE INDEX monitoring_config_active ON monitoring_config (merchant_id)
  WHERE state = 'active';
CALL protect_tenant_table('monitoring_config');
GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_at) ON monitoring_config
  TO quittance_app, quittance_system;

-- How far a store's record is read. The row is the lock: one process at a time works on a store.
CREATE TABLE monitoring_feed (
  merchant_id   uuid PRIMARY KEY REFERENCES merchant (id),
  running       boolean NOT NULL,
  -- What was before it is read to know the parties, and raises no alerts.
  started_at    timestamptz NOT NULL,
  -- The last of the store's events that was read; null: none.
  event_id      uuid,
  last_seq      bigint NOT NULL DEFAULT 0,
  last_at       timestamptz,
  -- The last movement that the rules have seen.
  processed_seq bigint NOT NULL DEFAULT 0,
  -- Up to this one they see it again, after their settings or the record were corrected: no alerts.
  muted_through bigint NOT NULL DEFAULT 0,
  rebuild_reason text CHECK (rebuild_reason IN ('configuration', 'correction')),
  -- Whose settings the states are of; null: the shipped ones.
  config_id     uuid,
  unvalued      bigint NOT NULL DEFAULT 0,
  CHECK (processed_seq <= last_seq AND muted_through <= last_seq)
);
CALL protect_tenant_table('monitoring_feed');
GRANT SELECT ON monitoring_feed TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON monitoring_feed TO quittance_system;

-- Money that came or went for certain, with all that rules may use as it was known at the time. Read
-- again, it gives the same alerts. Never deleted: what a reorganisation undid says so.
CREATE TABLE monitoring_movement (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  seq          bigint NOT NULL CHECK (seq > 0),
  -- Of what it is: an order's transaction, a payout. It counts once at a time.
  key          text NOT NULL,
  -- As alerts name it: payment:<id>, payout:<id>.
  name         text NOT NULL,
  order_id     uuid,
  event_id     uuid NOT NULL,
  -- When it was recorded as certain; never before that of the movement before.
  at           timestamptz NOT NULL,
  direction    text NOT NULL CHECK (direction IN ('in', 'out')),
  party        text NOT NULL CHECK (length(party) BETWEEN 1 AND 200),
  counterparty text,
  is_service   boolean NOT NULL,
  amount_sats  bigint NOT NULL CHECK (amount_sats >= 0),
  -- At the rate of its time, in smallest units; null: no such rate is known.
  currency     text NOT NULL,
  amount_minor bigint CHECK (amount_minor >= 0),
  -- Where the rate is from: "locked in the order", "market at 2026-11-21T10:00:00.000Z".
  rate_source  text,
  is_fiat_leg  boolean NOT NULL,
  links        text[] NOT NULL,
  marks        jsonb NOT NULL,
  undone_at    timestamptz,
  PRIMARY KEY (merchant_id, seq)
);
CREATE UNIQUE INDEX monitoring_movement_counts ON monitoring_movement (merchant_id, key)
  WHERE undone_at IS NULL;
CREATE INDEX monitoring_movement_of_party ON monitoring_movement (merchant_id, party, seq);
CREATE INDEX monitoring_movement_of_order ON monitoring_movement (merchant_id, order_id, seq)
  WHERE order_id IS NOT NULL;
CREATE INDEX monitoring_movement_named ON monitoring_movement (merchant_id, name);
CALL protect_tenant_table('monitoring_movement');
GRANT SELECT ON monitoring_movement TO quittance_app;
GRANT SELECT, INSERT, UPDATE (undone_at) ON monitoring_movement TO quittance_system;

-- What the rules keep of a party, an address or a link. Each row is bounded by constants of its rule.
CREATE TABLE monitoring_state (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  kind        text NOT NULL,
  subject     text NOT NULL,
  state       jsonb NOT NULL,
  updated_at  timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, kind, subject)
);
CREATE INDEX monitoring_state_of_subject ON monitoring_state (merchant_id, subject);
CALL protect_tenant_table('monitoring_state');
GRANT SELECT ON monitoring_state TO quittance_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON monitoring_state TO quittance_system;

-- Which alert rests on which movements, so that a correction finds the alerts that it concerns.
CREATE TABLE monitoring_finding (
  merchant_id uuid NOT NULL,
  seq         bigint NOT NULL,
  rule        text NOT NULL,
  party       text NOT NULL,
  config_id   uuid,
  alert_id    uuid NOT NULL,
  case_id     uuid NOT NULL,
  names       text[] NOT NULL,
  raised_at   timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, seq, rule),
  FOREIGN KEY (merchant_id, seq) REFERENCES monitoring_movement (merchant_id, seq)
);
CREATE INDEX monitoring_finding_names ON monitoring_finding USING gin (names);
CALL protect_tenant_table('monitoring_finding');
GRANT SELECT ON monitoring_finding TO quittance_app;
GRANT SELECT, INSERT ON monitoring_finding TO quittance_system;

-- What a person, or customer records, say that two parties have in common.
CREATE TABLE monitoring_link (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  party       text NOT NULL CHECK (length(party) BETWEEN 1 AND 200),
  link        text NOT NULL CHECK (length(link) BETWEEN 1 AND 200),
  reason      text NOT NULL,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, party, link)
);
CALL protect_tenant_table('monitoring_link');
GRANT SELECT, INSERT ON monitoring_link TO quittance_app, quittance_system;

-- Market prices of the past, for what was not priced in the currency that thresholds are in.
CREATE TABLE monitoring_rate (
  currency     text NOT NULL,
  at           timestamptz NOT NULL,
  -- Of one bitcoin, a plain decimal, without any store's spread.
  price_per_btc text NOT NULL,
  source       text NOT NULL,
  PRIMARY KEY (currency, at)
);
GRANT SELECT, INSERT ON monitoring_rate TO quittance_system;

-- A configuration run over history: what it would have raised.
CREATE TABLE monitoring_backtest (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  id           uuid NOT NULL UNIQUE,
  state        text NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
  settings     jsonb NOT NULL,
  from_at      timestamptz,
  to_at        timestamptz,
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  finished_at  timestamptz,
  result       jsonb,
  PRIMARY KEY (merchant_id, id),
  CHECK ((state = 'waiting') = (finished_at IS NULL)),
  CHECK ((state = 'done') = (result IS NOT NULL))
);
CREATE INDEX monitoring_backtest_waiting ON monitoring_backtest (requested_at)
  WHERE state = 'waiting';
CALL protect_tenant_table('monitoring_backtest');
GRANT SELECT, INSERT ON monitoring_backtest TO quittance_app;
GRANT SELECT, UPDATE ON monitoring_backtest TO quittance_system;
