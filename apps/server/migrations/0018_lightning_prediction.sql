-- What is learnt from attempts over Lightning (ADR 0014). A bucket is what is left of many attempts,
-- so that what is kept does not grow with history (paying/lightning/prediction).
CREATE TABLE prediction_bucket (
  merchant_id      uuid NOT NULL REFERENCES merchant (id),
  scope            text NOT NULL CHECK (scope IN
    ('overall', 'retry', 'destination', 'destination_retry', 'channel')),
  -- The recipient, the class of failure or the channel that it is about; empty for all.
  key              text NOT NULL,
  -- Amounts or times within about a factor of four; -1: not divided.
  band             smallint NOT NULL,
  -- Numbers of attempts, of which half is left after each half-life. No money.
  successes        double precision NOT NULL CHECK (successes >= 0),
  failures         double precision NOT NULL CHECK (failures >= 0),
  peak_fee_ppm     double precision NOT NULL CHECK (peak_fee_ppm >= 0),
  last_passed_msat bigint,
  last_passed_at   timestamptz,
  last_failed_msat bigint,
  last_failed_at   timestamptz,
  last_failure_class text,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, scope, key, band)
);
CREATE INDEX prediction_bucket_age ON prediction_bucket (updated_at);
CALL protect_tenant_table('prediction_bucket');
GRANT SELECT ON prediction_bucket TO quittance_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON prediction_bucket TO quittance_system;

-- Whom an attempt was for, as the buckets name it, and when it was taken up: once.
ALTER TABLE lightning_attempt
  ADD COLUMN recipient text,
  ADD COLUMN learnt_at timestamptz;
CREATE INDEX lightning_attempt_to_learn ON lightning_attempt (merchant_id, ended_at, id)
  WHERE learnt_at IS NULL AND ended_at IS NOT NULL;
