-- Customers of a store: who they are, what was checked, how long it is kept (docs/kyc.md). Everything
-- that says who somebody is lies sealed under a key of that customer; destroying the key erases it.

-- One key for a store, sealed under the key that is not in the database: customers' own keys are
-- sealed under it, and the blind index is made with a key that follows from it. Its row is also the
-- lock under which ownership changes, so that two changes can not close a circle between them.
CREATE TABLE customer_vault (
  merchant_id uuid PRIMARY KEY REFERENCES merchant (id),
  sealed_key  bytea NOT NULL,
  created_at  timestamptz NOT NULL
);
CALL protect_tenant_table('customer_vault');
GRANT SELECT, INSERT ON customer_vault TO quittance_app, quittance_system;
-- A lock of a row needs the right to update it; no statement does.
GRANT UPDATE (created_at) ON customer_vault TO quittance_app, quittance_system;

CREATE TABLE customer_settings (
  merchant_id uuid PRIMARY KEY REFERENCES merchant (id),
  -- Parsed by customerSettingsSchema of the contract.
  settings    jsonb NOT NULL,
  updated_by  text NOT NULL,
  updated_at  timestamptz NOT NULL
);
CALL protect_tenant_table('customer_settings');
GRANT SELECT, INSERT, UPDATE ON customer_settings TO quittance_app, quittance_system;

CREATE TABLE customer (
  merchant_id     uuid NOT NULL REFERENCES merchant (id),
  id              uuid NOT NULL UNIQUE,
  kind            text NOT NULL CHECK (kind IN ('person', 'entity')),
  state           text NOT NULL CHECK (state IN ('pending', 'verified', 'rejected', 'expired')),
  -- What the verification in force proved.
  verified_level  text NOT NULL CHECK (verified_level IN ('none', 'basic', 'standard', 'enhanced')),
  verified_at     timestamptz,
  -- The first of the documents that it rests on to expire; null: none does.
  valid_until     timestamptz,
  review_due_at   timestamptz,
  review_told_at  timestamptz,
  risk            text NOT NULL CHECK (risk IN ('low', 'medium', 'high')),
  risk_reasons    text[] NOT NULL,
  -- Set by an officer, whatever the facts say.
  risk_override   text CHECK (risk_override IN ('low', 'medium', 'high')),
  -- An officer has confirmed that this is a politically exposed person.
  pep             boolean NOT NULL,
  blocked_at      timestamptz,
  blocked_by      text,
  blocked_because text CHECK (blocked_because IN ('sanctions', 'officer', 'case')),
  -- Half or more belongs to blocked parties: blocked itself, by the facts of others.
  owner_blocked   boolean NOT NULL,
  -- The end of the relationship: from then on the time of retention runs.
  ended_at        timestamptz,
  -- null: not to be screened.
  screen_due_at   timestamptz,
  screened_at     timestamptz,
  -- Which versions of lists it was screened against.
  screened_with   text[] NOT NULL,
  -- The customer's own key and what is sealed under it. null: erased.
  sealed_key      bytea,
  sealed_profile  bytea,
  erased_at       timestamptz,
  version         integer NOT NULL,
  created_by      text NOT NULL,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  CHECK ((state = 'verified') = (verified_level <> 'none')),
  CHECK ((state = 'verified') = (verified_at IS NOT NULL)),
  CHECK ((blocked_at IS NULL) = (blocked_by IS NULL)),
  CHECK ((blocked_at IS NULL) = (blocked_because IS NULL)),
  CHECK ((sealed_key IS NULL) = (sealed_profile IS NULL)),
  CHECK ((sealed_key IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX customer_by_state ON customer (merchant_id, state, id);
CREATE INDEX customer_to_screen ON customer (screen_due_at) WHERE screen_due_at IS NOT NULL;
CREATE INDEX customer_to_expire ON customer (valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX customer_to_review ON customer (review_due_at) WHERE review_due_at IS NOT NULL;
CREATE INDEX customer_ended ON customer (ended_at) WHERE ended_at IS NOT NULL AND erased_at IS NULL;
CALL protect_tenant_table('customer');
GRANT SELECT, INSERT, UPDATE ON customer TO quittance_app, quittance_system;

-- What a customer can be found by, without saying what it is: keyed hashes (platform/sealing).
CREATE TABLE customer_index (
  merchant_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  digest      bytea NOT NULL CHECK (length(digest) = 32),
  PRIMARY KEY (merchant_id, digest, customer_id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id)
);
CREATE INDEX customer_index_of ON customer_index (merchant_id, customer_id);
CALL protect_tenant_table('customer_index');
GRANT SELECT, INSERT, DELETE ON customer_index TO quittance_app, quittance_system;

-- Who owns how much of an entity. Free of circles; the sum of an entity's shares is at most the whole.
CREATE TABLE customer_owner (
  merchant_id uuid NOT NULL,
  entity_id   uuid NOT NULL,
  owner_id    uuid NOT NULL CHECK (owner_id <> entity_id),
  -- Hundredths of a per cent.
  share_bps   integer NOT NULL CHECK (share_bps BETWEEN 0 AND 10000),
  -- Decides in another way than by shares.
  controls    boolean NOT NULL,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, entity_id, owner_id),
  FOREIGN KEY (merchant_id, entity_id) REFERENCES customer (merchant_id, id),
  FOREIGN KEY (merchant_id, owner_id) REFERENCES customer (merchant_id, id)
);
CREATE INDEX customer_owner_by_owner ON customer_owner (merchant_id, owner_id);
CALL protect_tenant_table('customer_owner');
GRANT SELECT, INSERT, DELETE ON customer_owner TO quittance_app, quittance_system;

CREATE TABLE customer_document (
  merchant_id    uuid NOT NULL,
  id             uuid NOT NULL UNIQUE,
  customer_id    uuid NOT NULL,
  type           text NOT NULL,
  -- As its own first bytes say.
  media_type     text NOT NULL,
  size_bytes     integer NOT NULL CHECK (size_bytes > 0),
  -- Of the file as it was handed in, so that anybody who has it can show that it is the same.
  sha256         bytea NOT NULL CHECK (length(sha256) = 32),
  sealed_content bytea NOT NULL,
  expires_at     timestamptz,
  uploaded_by    text NOT NULL,
  uploaded_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id)
);
-- What is sealed does not compress.
ALTER TABLE customer_document ALTER COLUMN sealed_content SET STORAGE EXTERNAL;
CREATE INDEX customer_document_of ON customer_document (merchant_id, customer_id, id);
CALL protect_tenant_table('customer_document');
GRANT SELECT, INSERT, DELETE ON customer_document TO quittance_app, quittance_system;

-- What screening found: one row for an entry of a list as it was and a customer as he was. A new
-- version of the list with the same entry is the same hit.
CREATE TABLE customer_hit (
  merchant_id   uuid NOT NULL,
  id            uuid NOT NULL UNIQUE,
  customer_id   uuid NOT NULL,
  list          text NOT NULL,
  entry_id      text NOT NULL,
  category      text NOT NULL CHECK (category IN ('sanctions', 'pep', 'other')),
  entry_digest  bytea NOT NULL CHECK (length(entry_digest) = 32),
  -- Keyed: of what was asked about the customer.
  facts_digest  bytea NOT NULL CHECK (length(facts_digest) = 32),
  list_version  text NOT NULL,
  points        integer NOT NULL,
  -- The explanation with the names that were compared, under the customer's key.
  sealed_parts  bytea NOT NULL,
  state         text NOT NULL CHECK (state IN ('open', 'dismissed', 'confirmed')),
  alert_id      uuid,
  case_id       uuid,
  found_at      timestamptz NOT NULL,
  -- When the list had it no more.
  gone_at       timestamptz,
  decided_at    timestamptz,
  decided_by    text,
  sealed_reason bytea,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (merchant_id, customer_id, list, entry_id, entry_digest, facts_digest),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id),
  CHECK ((state = 'open') = (decided_at IS NULL)),
  CHECK ((decided_at IS NULL) = (decided_by IS NULL))
);
CALL protect_tenant_table('customer_hit');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_hit TO quittance_app, quittance_system;

-- Where a store has identities verified by somebody else.
CREATE TABLE customer_provider (
  merchant_id            uuid PRIMARY KEY REFERENCES merchant (id),
  url                    text NOT NULL,
  enabled                boolean NOT NULL,
  sealed_api_key         bytea NOT NULL,
  sealed_callback_secret bytea NOT NULL,
  updated_by             text NOT NULL,
  updated_at             timestamptz NOT NULL
);
CALL protect_tenant_table('customer_provider');
GRANT SELECT, INSERT, UPDATE ON customer_provider TO quittance_app, quittance_system;

CREATE TABLE customer_verification (
  merchant_id   uuid NOT NULL,
  id            uuid NOT NULL UNIQUE,
  customer_id   uuid NOT NULL,
  method        text NOT NULL CHECK (method IN ('manual', 'provider')),
  level         text NOT NULL CHECK (level IN ('basic', 'standard', 'enhanced')),
  -- starting: nobody knows yet whether the provider has it. abandoned: it says nothing about the customer.
  state         text NOT NULL CHECK (state IN ('starting', 'running', 'proposed', 'approved',
                  'declined', 'failed', 'abandoned')),
  reason        text,
  -- The customer as he was when it began: what was changed since is not verified by it.
  facts_digest  bytea NOT NULL CHECK (length(facts_digest) = 32),
  document_ids  uuid[] NOT NULL,
  -- The provider's own name for it.
  reference     text,
  -- Where the customer goes; under his key, since it may open what the provider has of him.
  sealed_link   bytea,
  sealed_note   bytea,
  valid_until   timestamptz,
  attempts      integer NOT NULL,
  next_try_at   timestamptz,
  proposed_by   text NOT NULL,
  created_at    timestamptz NOT NULL,
  decided_by    text,
  ended_at      timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id),
  CHECK ((state IN ('starting', 'running', 'proposed')) = (ended_at IS NULL)),
  CHECK (next_try_at IS NULL OR state IN ('starting', 'running'))
);
-- One that is open at a time: two could say different things.
CREATE UNIQUE INDEX customer_verification_open ON customer_verification (merchant_id, customer_id)
  WHERE ended_at IS NULL;
CREATE INDEX customer_verification_of ON customer_verification (merchant_id, customer_id, id);
CREATE INDEX customer_verification_due ON customer_verification (next_try_at)
  WHERE next_try_at IS NOT NULL;
CALL protect_tenant_table('customer_verification');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_verification TO quittance_app, quittance_system;

-- Callbacks as they came, once each: the provider's id of the message is its key.
CREATE TABLE customer_callback (
  merchant_id     uuid NOT NULL,
  verification_id uuid NOT NULL,
  message_id      text NOT NULL CHECK (length(message_id) BETWEEN 1 AND 200),
  state           text NOT NULL,
  received_at     timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, verification_id, message_id),
  FOREIGN KEY (merchant_id, verification_id) REFERENCES customer_verification (merchant_id, id)
);
CALL protect_tenant_table('customer_callback');
GRANT SELECT ON customer_callback TO quittance_app;
GRANT DELETE ON customer_callback TO quittance_app;
GRANT SELECT, INSERT, DELETE ON customer_callback TO quittance_system;

-- Requests for erasure and what the rule said. Without anything that says who it was.
CREATE TABLE customer_erasure (
  merchant_id  uuid NOT NULL,
  id           uuid NOT NULL UNIQUE,
  customer_id  uuid NOT NULL,
  -- request: the customer asked. retention: nobody did, the time was over.
  cause        text NOT NULL CHECK (cause IN ('request', 'retention')),
  rule         text NOT NULL,
  -- When it is looked at again at the latest; null: done.
  due_at       timestamptz,
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  decided_at   timestamptz NOT NULL,
  done_at      timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id),
  CHECK ((due_at IS NULL) = (done_at IS NOT NULL))
);
CREATE UNIQUE INDEX customer_erasure_open ON customer_erasure (merchant_id, customer_id)
  WHERE done_at IS NULL;
CREATE INDEX customer_erasure_due ON customer_erasure (due_at) WHERE due_at IS NOT NULL;
CALL protect_tenant_table('customer_erasure');
GRANT SELECT, INSERT, UPDATE ON customer_erasure TO quittance_app, quittance_system;

-- Who did what with a customer's data: append-only, read with the scopes of compliance only, since
-- the store's own log is read by others. What a person wrote is sealed under the customer's key.
CREATE TABLE customer_log (
  merchant_id uuid NOT NULL,
  id          uuid NOT NULL,
  customer_id uuid NOT NULL,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  detail      jsonb NOT NULL,
  sealed_note bytea,
  PRIMARY KEY (merchant_id, id)
);
CREATE INDEX customer_log_of ON customer_log (merchant_id, customer_id, id);
CALL protect_tenant_table('customer_log');
GRANT SELECT, INSERT ON customer_log TO quittance_app, quittance_system;

-- Whose order it is, as the shop says.
ALTER TABLE orders ADD COLUMN customer_id uuid,
  ADD FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id);
CREATE INDEX orders_of_customer ON orders (merchant_id, customer_id, id)
  WHERE customer_id IS NOT NULL;

-- What an order counts for against a customer's limits: its price in the currency of the rules as
-- they were then.
CREATE TABLE customer_order (
  merchant_id uuid NOT NULL,
  order_id    uuid NOT NULL,
  customer_id uuid NOT NULL,
  currency    text,
  value_minor bigint CHECK (value_minor >= 0),
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customer (merchant_id, id),
  CHECK ((currency IS NULL) = (value_minor IS NULL))
);
CREATE INDEX customer_order_of ON customer_order (merchant_id, customer_id, created_at);
CALL protect_tenant_table('customer_order');
GRANT SELECT, INSERT ON customer_order TO quittance_app, quittance_system;
