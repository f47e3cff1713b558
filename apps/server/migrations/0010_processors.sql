-- What a store allows in payouts, whoever pays them. The row's lock orders those who look at limits.
CREATE TABLE payout_policy (
  merchant_id uuid PRIMARY KEY REFERENCES merchant (id),
  policy      jsonb NOT NULL,
  updated_at  timestamptz NOT NULL
);
CALL protect_tenant_table('payout_policy');
GRANT SELECT, INSERT, UPDATE ON payout_policy TO quittance_app, quittance_system;

-- Pays what is approved, by rules. Any number of workers run it: the row is locked while a
-- transaction is planned, and what was planned is in the database, so there is no lease.
CREATE TABLE payout_processor (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  id           uuid NOT NULL UNIQUE,
  kind         text NOT NULL CHECK (kind IN ('onchain')),
  wallet_id    uuid NOT NULL,
  settings     jsonb NOT NULL,
  paused       boolean NOT NULL,
  -- When it should run next.
  due_at       timestamptz NOT NULL,
  last_run_at  timestamptz,
  last_outcome text,
  -- Runs in a row that ended in the same fault.
  failures     integer NOT NULL DEFAULT 0,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, wallet_id) REFERENCES receiving_wallet (merchant_id, id)
);
-- Two processors of one wallet would have two opinions on its fees and limits.
CREATE UNIQUE INDEX payout_processor_of_wallet ON payout_processor (merchant_id, wallet_id);
CREATE INDEX payout_processor_due ON payout_processor (due_at) WHERE NOT paused;
CALL protect_tenant_table('payout_processor');
GRANT SELECT, INSERT, UPDATE, DELETE ON payout_processor TO quittance_app, quittance_system;
