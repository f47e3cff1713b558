-- Reports to authorities, Travel Rule messages (docs/adr/0018-filings.md).

-- Who files, as every report has it; one for each store.
CREATE TABLE filing_reporter (
  merchant_id uuid PRIMARY KEY REFERENCES merchant (id),
  reporter    jsonb NOT NULL,
  updated_at  timestamptz NOT NULL,
  updated_by  text NOT NULL
);
CALL protect_tenant_table('filing_reporter');
GRANT SELECT, INSERT, UPDATE ON filing_reporter TO quittance_app, quittance_system;

CREATE TABLE filing (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  id           uuid NOT NULL UNIQUE,
  kind         text NOT NULL CHECK (kind IN ('sar', 'ctr', 'goaml')),
  case_id      uuid,
  -- The filing that this one corrects or files again.
  corrects_id  uuid,
  state        text NOT NULL CHECK (state IN ('draft', 'prepared', 'approved', 'submitted',
                 'acknowledged', 'rejected', 'withdrawn')),
  facts        jsonb NOT NULL,
  -- The last day that the law gives; null where none is known.
  due_at       timestamptz,
  -- What would be sent, byte by byte, from "prepared" on.
  document     text,
  document_sha256 bytea CHECK (length(document_sha256) = 32),
  summary      jsonb,
  -- valid: checked against the authority's XSD. unvalidated: there was none.
  validation   text CHECK (validation IN ('valid', 'unvalidated')),
  validation_detail text,
  -- Everybody who wrote any of it, as actorOf names them: none of them may approve it.
  authors      text[] NOT NULL,
  approved_by  text,
  approved_at  timestamptz,
  submitted_by text,
  submitted_at timestamptz,
  -- The authority's number of the submission, and of the report once it has taken it (BSA ID).
  submission_reference text,
  authority_id text,
  answered_at  timestamptz,
  errors       jsonb NOT NULL,
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  version      integer NOT NULL,
  PRIMARY KEY (merchant_id, id),
  FOREIGN KEY (merchant_id, case_id) REFERENCES compliance_case (merchant_id, id),
  FOREIGN KEY (merchant_id, corrects_id) REFERENCES filing (merchant_id, id),
  CHECK ((document IS NULL) = (document_sha256 IS NULL)),
  CHECK (document IS NOT NULL OR state IN ('draft', 'withdrawn')),
  CHECK (document IS NULL OR document_sha256 = sha256(convert_to(document, 'UTF8'))),
  CHECK (state IN ('draft', 'prepared', 'withdrawn') OR approved_by IS NOT NULL),
  CHECK (approved_by IS NULL OR approved_by <> ALL (authors)),
  CHECK (state NOT IN ('submitted', 'acknowledged', 'rejected') OR submitted_by IS NOT NULL)
);
CREATE INDEX filing_by_state ON filing (merchant_id, state, id);
CREATE INDEX filing_of_case ON filing (merchant_id, case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX filing_due ON filing (merchant_id, due_at)
  WHERE state IN ('draft', 'prepared', 'approved');
CALL protect_tenant_table('filing');
GRANT SELECT, INSERT, UPDATE ON filing TO quittance_app, quittance_system;

-- What was submitted stands for ever: only the authority's answer is still written to it.
CREATE FUNCTION filing_keep_submitted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' THEN
    RAISE EXCEPTION 'filings are never deleted';
  END IF;
  IF OLD.state IN ('acknowledged', 'rejected', 'withdrawn') THEN
    RAISE EXCEPTION 'the filing % has ended', OLD.id;
  END IF;
  IF OLD.state = 'submitted' AND (NEW.state NOT IN ('acknowledged', 'rejected')
    OR (to_jsonb(NEW) - ARRAY['state', 'authority_id', 'answered_at', 'errors', 'updated_at', 'version'])
      IS DISTINCT FROM
       (to_jsonb(OLD) - ARRAY['state', 'authority_id', 'answered_at', 'errors', 'updated_at', 'version']))
  THEN
    RAISE EXCEPTION 'the filing % was submitted', OLD.id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_submitted BEFORE UPDATE OR DELETE ON filing
  FOR EACH ROW EXECUTE FUNCTION filing_keep_submitted();
REVOKE ALL ON FUNCTION filing_keep_submitted FROM PUBLIC;

-- Who did what to a filing: append-only.
CREATE TABLE filing_event (
  merchant_id uuid NOT NULL,
  filing_id   uuid NOT NULL,
  sequence    integer NOT NULL CHECK (sequence > 0),
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  detail      jsonb NOT NULL,
  PRIMARY KEY (merchant_id, filing_id, sequence),
  FOREIGN KEY (merchant_id, filing_id) REFERENCES filing (merchant_id, id)
);
CALL protect_tenant_table('filing_event');
GRANT SELECT, INSERT ON filing_event TO quittance_app, quittance_system;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON filing_event
  FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse_change();

-- Travel Rule: what a store asks for, and under which address others reach it.
CREATE TABLE travel_rule_settings (
  merchant_id   uuid PRIMARY KEY REFERENCES merchant (id),
  settings      jsonb NOT NULL,
  -- Stands in the web address that other providers send inquiries to; who knows it may ask.
  inbound_token text NOT NULL UNIQUE CHECK (inbound_token ~ '^[0-9a-f]{32}$'),
  updated_at    timestamptz NOT NULL,
  updated_by    text NOT NULL
);
CALL protect_tenant_table('travel_rule_settings');
GRANT SELECT, INSERT, UPDATE ON travel_rule_settings TO quittance_app, quittance_system;

-- One exchange about one transfer of bitcoin, ours or theirs.
CREATE TABLE travel_transfer (
  merchant_id  uuid NOT NULL REFERENCES merchant (id),
  id           uuid NOT NULL UNIQUE,
  direction    text NOT NULL CHECK (direction IN ('out', 'in')),
  counterparty text NOT NULL CHECK (counterparty IN ('vasp', 'self_hosted')),
  state        text NOT NULL CHECK (state IN ('draft', 'sent', 'received', 'approved', 'rejected',
                 'awaiting_proof', 'proven', 'confirmed', 'cancelled')),
  payout_id    uuid,
  amount_sats  bigint NOT NULL CHECK (amount_sats > 0),
  -- Where the bitcoin goes: of ours the payout's destination, of theirs what we gave.
  address      text,
  -- IVMS101 as it was sent or as it came; null for a wallet of one's own.
  message      json,
  -- The other side's web address for the next step.
  remote_url   text,
  -- In our web address for the next step; unguessable.
  callback_token text UNIQUE CHECK (callback_token ~ '^[0-9a-f]{32}$'),
  -- The other side's number of the request: the same one again is the same request.
  request_id   text NOT NULL CHECK (length(request_id) BETWEEN 1 AND 100),
  txid         text,
  reason       text,
  proof        jsonb,
  decided_by   text,
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  version      integer NOT NULL,
  PRIMARY KEY (merchant_id, id),
  UNIQUE (merchant_id, direction, request_id),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES payout (merchant_id, id),
  CHECK (direction = 'out' OR (payout_id IS NULL AND counterparty = 'vasp')),
  CHECK (message IS NOT NULL OR counterparty = 'self_hosted'),
  CHECK ((state = 'proven') <= (proof IS NOT NULL))
);
-- One exchange is under way for a payout.
CREATE UNIQUE INDEX travel_transfer_of_payout ON travel_transfer (merchant_id, payout_id)
  WHERE payout_id IS NOT NULL AND state NOT IN ('rejected', 'cancelled');
CREATE INDEX travel_transfer_by_state ON travel_transfer (merchant_id, state, id);
CALL protect_tenant_table('travel_transfer');
GRANT SELECT, INSERT, UPDATE ON travel_transfer TO quittance_app, quittance_system;
