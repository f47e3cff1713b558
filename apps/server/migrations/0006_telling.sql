-- What the merchant is told, written in the transaction that made it true. Append-only.
-- A reader's cursor is (transaction, seq): rows of transactions that are still open are hidden
-- from it, so that none can appear behind the cursor later.
CREATE TABLE event (
  merchant_id uuid NOT NULL,
  id          uuid NOT NULL,
  seq         bigint GENERATED ALWAYS AS IDENTITY,
  transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
  type        text NOT NULL,
  order_id    uuid,
  data        jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id)
);
CREATE INDEX event_cursor ON event (merchant_id, transaction, seq);
CREATE INDEX event_cursor_of_type ON event (merchant_id, type, transaction, seq);
CALL protect_tenant_table('event');
GRANT SELECT, INSERT ON event TO quittance_app, quittance_system;

CREATE TABLE webhook_endpoint (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  id           uuid NOT NULL UNIQUE,
  url          text NOT NULL,
  -- Newest first; the older ones still sign until they are removed, so that keys can rotate.
  secrets      text[] NOT NULL CHECK (cardinality(secrets) BETWEEN 1 AND 3),
  style        text NOT NULL CHECK (style IN ('standard', 'classic')),
  -- Empty: every type.
  event_types  text[] NOT NULL,
  enabled      boolean NOT NULL,
  description  text,
  created_at   timestamptz NOT NULL,
  -- After a failure nothing is sent to this endpoint before this time.
  resting_until timestamptz,
  consecutive_failures integer NOT NULL DEFAULT 0,
  -- Set by the first failure in a row; a success clears all three.
  failing_since timestamptz,
  deleted_at   timestamptz,
  PRIMARY KEY (merchant_id, id)
);
CALL protect_tenant_table('webhook_endpoint');
GRANT SELECT, INSERT, UPDATE ON webhook_endpoint TO quittance_app, quittance_system;

CREATE TABLE webhook_delivery (
  merchant_id     uuid NOT NULL,
  id              uuid NOT NULL,
  endpoint_id     uuid NOT NULL,
  event_id        uuid NOT NULL,
  state           text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts        integer NOT NULL DEFAULT 0,
  -- A dispatcher that takes a delivery moves this time to the end of its lease; if it dies, the
  -- delivery is due again then, and another dispatcher takes over.
  next_attempt_at timestamptz NOT NULL,
  replay_of       uuid,
  created_at      timestamptz NOT NULL,
  finished_at     timestamptz,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, endpoint_id) REFERENCES webhook_endpoint (merchant_id, id),
  FOREIGN KEY (merchant_id, event_id) REFERENCES event (merchant_id, id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_attempt_at)
  WHERE state = 'pending';
CREATE INDEX webhook_delivery_log ON webhook_delivery (merchant_id, endpoint_id, created_at, id);
CREATE INDEX webhook_delivery_replay ON webhook_delivery (merchant_id, replay_of)
  WHERE replay_of IS NOT NULL;
CREATE INDEX webhook_delivery_by_event ON webhook_delivery (merchant_id, event_id);
CALL protect_tenant_table('webhook_delivery');
GRANT SELECT, INSERT ON webhook_delivery TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON webhook_delivery TO quittance_system;

CREATE TABLE webhook_attempt (
  merchant_id  uuid NOT NULL,
  delivery_id  uuid NOT NULL,
  number       integer NOT NULL,
  started_at   timestamptz NOT NULL,
  duration_ms  integer NOT NULL,
  status       integer,
  error        text,
  response     text,
  PRIMARY KEY (merchant_id, delivery_id, number),
  FOREIGN KEY (merchant_id, delivery_id) REFERENCES webhook_delivery (merchant_id, id)
);
CALL protect_tenant_table('webhook_attempt');
GRANT SELECT ON webhook_attempt TO quittance_app;
GRANT SELECT, INSERT ON webhook_attempt TO quittance_system;
