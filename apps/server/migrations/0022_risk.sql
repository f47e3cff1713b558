-- Risk: where payments came from is looked at before they count (docs/adr/0016-compliance.md).

-- See PaymentHold in receiving/payments.
ALTER TABLE payment ADD COLUMN hold text NOT NULL DEFAULT 'none'
  CHECK (hold IN ('none', 'shadow', 'screening', 'held', 'frozen', 'returnable'));
-- What a person decides comes by a request; news of the chain does not.
GRANT UPDATE (hold, updated_at) ON payment TO quittance_app;
-- Both indexes are empty for stores without risk.
CREATE INDEX payment_to_screen ON payment (first_seen_at)
  WHERE hold IN ('shadow', 'screening');
CREATE INDEX payment_withheld ON payment (txid, vout)
  WHERE hold IN ('screening', 'held', 'frozen');

-- Of all that arrived for an order, what is looked at, held or frozen.
ALTER TABLE orders ADD COLUMN review_sats bigint NOT NULL DEFAULT 0 CHECK (review_sats >= 0);

-- Whether a payment comes from an address that a refund was paid to.
CREATE INDEX refund_by_address ON refund (merchant_id, address) WHERE address IS NOT NULL;

-- Weights and thresholds. A version never changes but in its state; who made it active is not who
-- made it (compliance/risk checks that they are two persons).
CREATE TABLE risk_config (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  version      integer NOT NULL CHECK (version > 0),
  state        text NOT NULL CHECK (state IN ('draft', 'shadow', 'active', 'retired')),
  config       jsonb NOT NULL,
  note         text NOT NULL,
  created_at   timestamptz NOT NULL,
  created_by   text NOT NULL,
  shadowed_at  timestamptz,
  shadowed_by  text,
  activated_at timestamptz,
  activated_by text,
  retired_at   timestamptz,
  PRIMARY KEY (merchant_id, version),
  CHECK ((state = 'retired') = (retired_at IS NOT NULL)),
  CHECK (state <> 'active' OR activated_at IS NOT NULL),
  CHECK (activated_by IS NULL OR activated_by <> created_by OR version = 1)
);
CREATE UNIQUE INDEX risk_config_active ON risk_config (merchant_id) WHERE state = 'active';
CREATE UNIQUE INDEX risk_config_shadow ON risk_config (merchant_id) WHERE state = 'shadow';
CALL protect_tenant_table('risk_config');
GRANT SELECT, INSERT,
  UPDATE (state, shadowed_at, shadowed_by, activated_at, activated_by, retired_at)
  ON risk_config TO quittance_app, quittance_system;

-- What a version would have decided about the past.
CREATE TABLE risk_backtest (
  merchant_id    uuid NOT NULL,
  id             uuid NOT NULL,
  config_version integer NOT NULL,
  result         jsonb NOT NULL,
  created_at     timestamptz NOT NULL,
  created_by     text NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, config_version) REFERENCES risk_config (merchant_id, version)
);
CREATE INDEX risk_backtest_of_config ON risk_backtest (merchant_id, config_version, id);
CALL protect_tenant_table('risk_backtest');
GRANT SELECT, INSERT ON risk_backtest TO quittance_app, quittance_system;

-- A decision with everything that it rests on, in the bytes that it was made of: facts and outcome
-- are canonical JSON. Append-only, for the owner too.
CREATE TABLE risk_decision (
  merchant_id    uuid NOT NULL,
  id             uuid NOT NULL,
  payment_id     uuid NOT NULL,
  order_id       uuid NOT NULL,
  mode           text NOT NULL CHECK (mode IN ('on', 'shadow')),
  -- Made by a version in shadow, beside the one that counts.
  trial          boolean NOT NULL,
  config_version integer NOT NULL,
  engine         integer NOT NULL,
  score          integer NOT NULL CHECK (score BETWEEN 0 AND 100),
  level          text NOT NULL CHECK (level IN ('LOW', 'MEDIUM', 'HIGH')),
  action         text NOT NULL CHECK (action IN ('approve', 'review', 'reject')),
  facts          text NOT NULL,
  facts_hash     bytea NOT NULL CHECK (facts_hash = sha256(convert_to(facts, 'UTF8'))),
  outcome        text NOT NULL,
  case_id        uuid,
  decided_at     timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, payment_id) REFERENCES payment (merchant_id, id),
  FOREIGN KEY (merchant_id, config_version) REFERENCES risk_config (merchant_id, version)
);
-- A payment is decided once: two workers can not both do it.
CREATE UNIQUE INDEX risk_decision_of_payment ON risk_decision (merchant_id, payment_id, trial);
CREATE INDEX risk_decision_of_order ON risk_decision (merchant_id, order_id, id);
CREATE INDEX risk_decision_by_level ON risk_decision (merchant_id, level, id);
CALL protect_tenant_table('risk_decision');
GRANT SELECT ON risk_decision TO quittance_app;
GRANT SELECT, INSERT ON risk_decision TO quittance_system;

CREATE FUNCTION risk_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'risk decisions are append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON risk_decision
  FOR EACH STATEMENT EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON risk_backtest
  FOR EACH STATEMENT EXECUTE FUNCTION risk_refuse_change();
REVOKE ALL ON FUNCTION risk_refuse_change FROM PUBLIC;

-- A store's history, kept so that no decision reads its payments: both are bounded in size.
CREATE TABLE risk_amounts (
  merchant_id    uuid NOT NULL REFERENCES merchant (id),
  currency       text NOT NULL,
  payments       bigint NOT NULL,
  sum            numeric NOT NULL,
  sum_of_squares numeric NOT NULL,
  -- Bucket (compliance/risk/history) to payments.
  buckets        jsonb NOT NULL,
  PRIMARY KEY (merchant_id, currency)
);
CREATE TABLE risk_activity (
  merchant_id uuid PRIMARY KEY REFERENCES merchant (id),
  hours       jsonb NOT NULL,
  days        jsonb NOT NULL
);
-- Payments by hour from one address (hashed: nobody looks for addresses here); gone after a day.
CREATE TABLE risk_source_hour (
  merchant_id uuid NOT NULL REFERENCES merchant (id),
  source      bytea NOT NULL,
  hour        integer NOT NULL,
  payments    integer NOT NULL,
  PRIMARY KEY (merchant_id, source, hour)
);
CREATE INDEX risk_source_hour_age ON risk_source_hour (hour);

-- A worker that looks at a payment; should it die, another one takes over when this is due.
CREATE TABLE risk_claim (
  merchant_id uuid NOT NULL,
  payment_id  uuid NOT NULL,
  begun_at    timestamptz NOT NULL,
  due_at      timestamptz NOT NULL,
  attempts    integer NOT NULL,
  last_error  text,
  PRIMARY KEY (merchant_id, payment_id),
  FOREIGN KEY (merchant_id, payment_id) REFERENCES payment (merchant_id, id)
);
CREATE INDEX risk_claim_age ON risk_claim (begun_at);
CALL protect_tenant_table('risk_amounts');
CALL protect_tenant_table('risk_activity');
CALL protect_tenant_table('risk_source_hour');
CALL protect_tenant_table('risk_claim');
GRANT SELECT, INSERT, UPDATE ON risk_amounts, risk_activity TO quittance_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON risk_source_hour, risk_claim TO quittance_system;
