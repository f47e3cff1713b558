-- What a person should look at. An alert of the instance itself (the node is down) belongs to no
-- merchant: it stands under the nil UUID, as in idempotency_key, which is never anybody's id; so
-- row-level security hides it from every merchant. Hence no reference to merchant.
CREATE TABLE alert (
  merchant_id     uuid NOT NULL,
  id              uuid NOT NULL,
  kind            text NOT NULL,
  -- What it is about, such as the id of a payout.
  subject         text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  title           text NOT NULL,
  detail          text NOT NULL,
  next_step       text NOT NULL,
  data            jsonb NOT NULL,
  opened_at       timestamptz NOT NULL,
  last_seen_at    timestamptz NOT NULL,
  count           integer NOT NULL CHECK (count > 0),
  -- When and how grave it was last told by an event, and when it was last e-mailed.
  told_at         timestamptz NOT NULL,
  told_severity   text NOT NULL CHECK (told_severity IN ('info', 'warning', 'critical')),
  emailed_at      timestamptz,
  emailed_severity text CHECK (emailed_severity IN ('info', 'warning', 'critical')),
  acknowledged_at timestamptz,
  acknowledged_by text,
  resolved_at     timestamptz,
  PRIMARY KEY (merchant_id, id),
  CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
  CHECK ((emailed_at IS NULL) = (emailed_severity IS NULL))
);
CREATE UNIQUE INDEX alert_open ON alert (merchant_id, kind, subject) WHERE resolved_at IS NULL;
-- What a new sighting goes on from: the open one, else the one that was resolved last.
CREATE INDEX alert_of_subject ON alert (merchant_id, kind, subject, resolved_at DESC NULLS FIRST);
CREATE INDEX alert_list_open ON alert (merchant_id, id) WHERE resolved_at IS NULL;
CREATE INDEX alert_of_kind ON alert (merchant_id, kind, id);
CALL protect_tenant_table('alert');
GRANT SELECT, INSERT, UPDATE ON alert TO quittance_app, quittance_system;

-- An e-mail to one recipient, written in the transaction of the alert and sent by a worker. What is
-- in it does not change afterwards: every attempt sends the same text under the same Message-ID.
CREATE TABLE alert_email (
  merchant_id     uuid NOT NULL,
  id              uuid NOT NULL,
  alert_id        uuid NOT NULL,
  cause           text NOT NULL,
  recipient       text NOT NULL,
  subject         text NOT NULL,
  body            text NOT NULL,
  locale          text NOT NULL,
  severity        text NOT NULL,
  state           text NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
  -- Claims; who comes back after another has claimed it has a lower number.
  attempts        integer NOT NULL DEFAULT 0,
  -- How often the mail server asked to come again later; makes the waits longer.
  deferrals       integer NOT NULL DEFAULT 0,
  -- A mailer that takes an e-mail moves this time to the end of its lease.
  next_attempt_at timestamptz NOT NULL,
  created_at      timestamptz NOT NULL,
  finished_at     timestamptz,
  last_error      text,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, alert_id) REFERENCES alert (merchant_id, id)
);
CREATE INDEX alert_email_due ON alert_email (next_attempt_at) WHERE state = 'pending';
CREATE INDEX alert_email_of_alert ON alert_email (merchant_id, alert_id, id);
CREATE INDEX alert_email_recent ON alert_email (merchant_id, created_at);
CALL protect_tenant_table('alert_email');
GRANT SELECT, INSERT ON alert_email TO quittance_app;
GRANT SELECT, INSERT, UPDATE ON alert_email TO quittance_system;
