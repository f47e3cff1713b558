-- What of compliance runs for a store, and its alerts and cases (docs/adr/0016-compliance.md).

-- One row for a store that has said so; without one everything is off.
CREATE TABLE compliance_settings (
  merchant_id        uuid PRIMARY KEY REFERENCES merchant (id),
  risk               text NOT NULL CHECK (risk IN ('off', 'shadow', 'on')),
  monitoring         boolean NOT NULL,
  customer_screening boolean NOT NULL,
  -- Days from detection to the last day for a report, 31 CFR 1020.320(b)(3) and 1022.320(b)(3).
  sar_days_suspect_known   integer NOT NULL CHECK (sar_days_suspect_known BETWEEN 1 AND 60),
  sar_days_suspect_unknown integer NOT NULL CHECK (sar_days_suspect_unknown BETWEEN 1 AND 60),
  reminder_days      integer NOT NULL CHECK (reminder_days BETWEEN 0 AND 60),
  updated_at         timestamptz NOT NULL,
  updated_by         text NOT NULL,
  CHECK (sar_days_suspect_known <= sar_days_suspect_unknown)
);
CALL protect_tenant_table('compliance_settings');
GRANT SELECT, INSERT, UPDATE ON compliance_settings TO quittance_app, quittance_system;

-- One case is open for each subject. What it says is what its log adds up to: see verify-case.ts.
CREATE TABLE compliance_case (
  merchant_id      uuid NOT NULL REFERENCES merchant (id),
  id               uuid NOT NULL UNIQUE,
  subject_type     text NOT NULL CHECK (subject_type IN ('payment', 'order', 'payout', 'customer', 'party')),
  subject_id       text NOT NULL CHECK (length(subject_id) BETWEEN 1 AND 200),
  state            text NOT NULL CHECK (state IN ('open', 'in_review', 'decision_proposed', 'closed', 'reopened')),
  -- Of its gravest alert.
  severity         text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
  summary          text NOT NULL,
  opened_at        timestamptz NOT NULL,
  -- The clock for a report: what was detected when, and since when a suspect is known.
  detected_at      timestamptz NOT NULL,
  suspect_known_at timestamptz,
  report_due_at    timestamptz NOT NULL,
  reported_at      timestamptz,
  assignee         text,
  -- The decision that waits for a second person.
  proposal         jsonb,
  outcome          text CHECK (outcome IN ('release', 'refund', 'freeze', 'dismiss', 'report')),
  proposed_by      text,
  decided_by       text,
  closed_at        timestamptz,
  previous_case_id uuid,
  reopenings       integer NOT NULL CHECK (reopenings >= 0),
  alert_count      integer NOT NULL CHECK (alert_count >= 0),
  updated_at       timestamptz NOT NULL,
  -- The head of the log; only compliance_log_append writes it.
  log_sequence     bigint NOT NULL DEFAULT 0,
  log_hash         bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(log_hash) = 32),
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, previous_case_id) REFERENCES compliance_case (merchant_id, id),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
  CHECK ((state = 'closed') = (outcome IS NOT NULL)),
  -- Two persons, in the database too; that they are not one person's keys is checked above it.
  CHECK ((outcome IS NULL) = (proposed_by IS NULL) AND (outcome IS NULL) = (decided_by IS NULL)),
  CHECK (proposed_by <> decided_by),
  CHECK ((state = 'decision_proposed') = (proposal IS NOT NULL))
);
CREATE UNIQUE INDEX compliance_case_open ON compliance_case (merchant_id, subject_type, subject_id)
  WHERE state <> 'closed';
CREATE INDEX compliance_case_of_subject ON compliance_case (merchant_id, subject_type, subject_id, id);
CREATE INDEX compliance_case_by_state ON compliance_case (merchant_id, state, id);
CREATE INDEX compliance_case_due ON compliance_case (merchant_id, report_due_at)
  WHERE reported_at IS NULL AND (state <> 'closed' OR outcome = 'report');
CALL protect_tenant_table('compliance_case');
-- Neither who it is about nor its log's head is for the working roles to change.
GRANT SELECT ON compliance_case TO quittance_app, quittance_system;
GRANT INSERT (merchant_id, id, subject_type, subject_id, state, severity, summary, opened_at,
  detected_at, suspect_known_at, report_due_at, reported_at, assignee, proposal, outcome,
  proposed_by, decided_by, closed_at, previous_case_id, reopenings, alert_count, updated_at)
  ON compliance_case TO quittance_app, quittance_system;
GRANT UPDATE (state, severity, detected_at, suspect_known_at, report_due_at, reported_at, assignee,
  proposal, outcome, proposed_by, decided_by, closed_at, reopenings, alert_count, updated_at)
  ON compliance_case TO quittance_app, quittance_system;

-- What a rule said. It never changes; its facts are also in the case's log.
CREATE TABLE compliance_alert (
  merchant_id  uuid NOT NULL,
  id           uuid NOT NULL UNIQUE,
  case_id      uuid NOT NULL,
  source       text NOT NULL CHECK (source IN ('risk', 'screening', 'monitoring', 'customer', 'manual')),
  rule         text NOT NULL CHECK (length(rule) BETWEEN 1 AND 100),
  subject_type text NOT NULL CHECK (subject_type IN ('payment', 'order', 'payout', 'customer', 'party')),
  subject_id   text NOT NULL CHECK (length(subject_id) BETWEEN 1 AND 200),
  severity     text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
  summary      text NOT NULL CHECK (length(summary) BETWEEN 1 AND 500),
  -- json, not jsonb: the text is kept as it was written, whatever escapes are in it.
  facts        json NOT NULL,
  -- The same sighting told twice is one alert.
  dedupe_key   text NOT NULL CHECK (length(dedupe_key) BETWEEN 1 AND 300),
  raised_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (merchant_id, dedupe_key),
  FOREIGN KEY (merchant_id, case_id) REFERENCES compliance_case (merchant_id, id)
);
CREATE INDEX compliance_alert_of_case ON compliance_alert (merchant_id, case_id, id);
CREATE INDEX compliance_alert_of_rule ON compliance_alert (merchant_id, rule, id);
CALL protect_tenant_table('compliance_alert');
GRANT SELECT, INSERT ON compliance_alert TO quittance_app, quittance_system;

-- Everything that happened in a case, one entry after the other, each sealed by the hash of the one
-- before it. The hash covers the content's SHA-256 rather than the content, so that a duty to erase
-- can be obeyed (by the owner, after the retention) without breaking the chain.
CREATE TABLE compliance_case_log (
  merchant_id    uuid NOT NULL,
  case_id        uuid NOT NULL,
  sequence       bigint NOT NULL CHECK (sequence > 0),
  id             uuid NOT NULL UNIQUE,
  at             timestamptz NOT NULL,
  actor          text NOT NULL,
  kind           text NOT NULL,
  -- Canonical JSON, kept as the text whose bytes were hashed. null: erased.
  content        text,
  content_sha256 bytea NOT NULL CHECK (length(content_sha256) = 32),
  prev_hash      bytea NOT NULL CHECK (length(prev_hash) = 32),
  hash           bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (merchant_id, case_id, sequence),
  FOREIGN KEY (merchant_id, case_id) REFERENCES compliance_case (merchant_id, id)
);
CALL protect_tenant_table('compliance_case_log');
GRANT SELECT ON compliance_case_log TO quittance_app, quittance_system;

-- Stops even the owner from a change by mistake. Who means to can lift it; then the chain tells.
CREATE FUNCTION compliance_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the record of compliance is append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_case_log
  FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_alert
  FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON compliance_case
  FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse_change();

-- A netstring, its length in UTF-8 bytes before it: no two different entries are written alike.
CREATE FUNCTION compliance_field(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT octet_length(value)::text || ':' || value || ',' $$;

-- The only way into the log. Writers of one case go one after the other from here to the end of
-- their transaction. The check rests on session_user, the role that logged in, because inside a
-- SECURITY DEFINER function current_user is the owner.
CREATE FUNCTION compliance_log_append(of_merchant uuid, of_case uuid, entry uuid, at_ms bigint,
  by_whom text, what text, said text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  head compliance_case;
  next_sequence bigint;
  said_sha256 bytea := sha256(convert_to(said, 'UTF8'));
  next_hash bytea;
BEGIN
  IF NOT pg_has_role(session_user, 'quittance_system', 'MEMBER')
    AND of_merchant IS DISTINCT FROM current_merchant() THEN
    RAISE EXCEPTION 'the case % is not yours', of_case;
  END IF;
  SELECT * INTO STRICT head FROM compliance_case c
    WHERE c.merchant_id = of_merchant AND c.id = of_case FOR NO KEY UPDATE;
  next_sequence := head.log_sequence + 1;
  next_hash := sha256(head.log_hash || convert_to(compliance_field('quittance-case-1')
    || compliance_field(of_merchant::text) || compliance_field(of_case::text)
    || compliance_field(next_sequence::text) || compliance_field(entry::text)
    || compliance_field(at_ms::text) || compliance_field(by_whom) || compliance_field(what)
    || compliance_field(encode(said_sha256, 'hex')), 'UTF8'));
  INSERT INTO compliance_case_log (merchant_id, case_id, sequence, id, at, actor, kind, content,
    content_sha256, prev_hash, hash)
  VALUES (of_merchant, of_case, next_sequence, entry,
    'epoch'::timestamptz + at_ms * interval '1 millisecond', by_whom, what, said, said_sha256,
    head.log_hash, next_hash);
  UPDATE compliance_case c SET log_sequence = next_sequence, log_hash = next_hash
    WHERE c.merchant_id = of_merchant AND c.id = of_case;
  RETURN next_sequence;
END $$;

REVOKE ALL ON FUNCTION compliance_refuse_change, compliance_field, compliance_log_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_log_append TO quittance_app, quittance_system;
