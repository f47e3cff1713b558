CREATE TABLE merchant (
  id          uuid PRIMARY KEY,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- Parsed by merchantSettingsSchema in tenancy/merchants; money in it is written as strings.
  settings    jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL
);
CALL protect_tenant_table('merchant', 'id');
GRANT SELECT, UPDATE (name, settings, updated_at) ON merchant TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON merchant TO quittance_system;

-- An API key is shown once; only its SHA-256 stays (the secret has 256 random bits, so no
-- slow hash is needed). merchant_id is null for a key of the instance's administrator.
CREATE TABLE api_key (
  id           uuid PRIMARY KEY,
  merchant_id  uuid REFERENCES merchant (id),
  name         text NOT NULL,
  secret_hash  bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  secret_hint  text NOT NULL,
  scopes       text[] NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
CREATE INDEX api_key_merchant ON api_key (merchant_id, created_at);
CALL protect_tenant_table('api_key');
GRANT SELECT, INSERT, UPDATE (name, revoked_at, last_used_at) ON api_key TO quittance_app, quittance_system;

-- The stored answer of every POST, so that a retry gets the same answer (design §7).
-- merchant_id is the nil UUID for the administrator's requests.
CREATE TABLE idempotency_key (
  merchant_id  uuid NOT NULL,
  key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_hash bytea NOT NULL,
  status       integer NOT NULL,
  -- json, not jsonb: a replayed answer keeps the order of its fields.
  response     json NOT NULL,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
CALL protect_tenant_table('idempotency_key');
GRANT SELECT, INSERT, UPDATE ON idempotency_key TO quittance_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO quittance_system;

-- Who changed what of the settings, wallets, keys and endpoints: append-only.
CREATE TABLE audit_entry (
  merchant_id uuid NOT NULL,
  id          uuid NOT NULL,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  subject     text NOT NULL,
  detail      jsonb NOT NULL,
  PRIMARY KEY (merchant_id, id)
);
CALL protect_tenant_table('audit_entry');
GRANT SELECT, INSERT ON audit_entry TO quittance_app, quittance_system;
