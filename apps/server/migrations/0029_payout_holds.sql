-- Who decided that a report is to be made. It stays when the rest is decided afterwards, in the same
-- case (docs/adr/0016-compliance.md).
ALTER TABLE compliance_case ADD COLUMN report_decision jsonb;
ALTER TABLE compliance_case ADD CHECK (outcome <> 'report' OR report_decision IS NOT NULL);
GRANT INSERT (report_decision), UPDATE (report_decision) ON compliance_case
  TO quittance_app, quittance_system;

-- Whether payouts' destinations are looked up on the lists and the store's own one.
ALTER TABLE compliance_settings ADD COLUMN payout_screening boolean NOT NULL DEFAULT false;

-- What stands against paying a payout, and what people have decided about it
-- (docs/adr/0016-compliance.md). Nobody but keys of compliance reads it.
CREATE TABLE compliance_payout_hold (
  merchant_id   uuid NOT NULL,
  payout_id     uuid NOT NULL,
  -- noted: only what its invoice named is kept. held: a case was opened. released: two persons let it
  -- be paid in spite of what was found. frozen: nobody pays it. lifted: nothing stands against it now.
  state         text NOT NULL CHECK (state IN ('noted', 'held', 'released', 'frozen', 'lifted')),
  -- What was found when it was held, each by a name of its own.
  found         text[] NOT NULL,
  -- What it may be paid in spite of.
  released      text[] NOT NULL,
  -- Whom invoices named that its destination gave when it was to be paid: nodes, hints, addresses.
  identifiers   text[] NOT NULL,
  case_id       uuid,
  version       integer NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, payout_id),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES payout (merchant_id, id),
  FOREIGN KEY (merchant_id, case_id) REFERENCES compliance_case (merchant_id, id),
  CHECK (state NOT IN ('held', 'frozen', 'released') OR case_id IS NOT NULL)
);
CREATE INDEX compliance_payout_hold_of_case ON compliance_payout_hold (merchant_id, case_id);
CALL protect_tenant_table('compliance_payout_hold');
GRANT SELECT, INSERT, UPDATE ON compliance_payout_hold TO quittance_app, quittance_system;

-- Payouts that wait are looked at again when a list or a customer changes.
CREATE INDEX payout_waiting ON payout (id) WHERE state = 'approved';

-- Heard at commit by whoever looks at waiting payouts again. What a customer may be paid follows from
-- these columns, whatever writes them; a shop whose customers stand still rings nobody.
CREATE FUNCTION ring_payout_checks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('quittance_payout_checks', '');
  RETURN NULL;
END $$;
CREATE TRIGGER ring_payout_checks AFTER UPDATE OF state, blocked_at, owner_blocked ON customer
  FOR EACH ROW WHEN (old.state <> new.state OR old.owner_blocked <> new.owner_blocked
    OR (old.blocked_at IS NULL) <> (new.blocked_at IS NULL))
  EXECUTE FUNCTION ring_payout_checks();
CREATE TRIGGER ring_payout_checks AFTER INSERT OR UPDATE OF state, gone_at ON customer_hit
  FOR EACH STATEMENT EXECUTE FUNCTION ring_payout_checks();
CREATE TRIGGER ring_payout_checks AFTER INSERT OR UPDATE ON screening_own_address
  FOR EACH STATEMENT EXECUTE FUNCTION ring_payout_checks();
CREATE TRIGGER ring_payout_checks AFTER INSERT OR UPDATE OF state ON travel_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ring_payout_checks();
CREATE TRIGGER ring_payout_checks AFTER INSERT OR UPDATE ON travel_rule_settings
  FOR EACH STATEMENT EXECUTE FUNCTION ring_payout_checks();
CREATE TRIGGER ring_payout_checks AFTER INSERT OR UPDATE ON compliance_settings
  FOR EACH STATEMENT EXECUTE FUNCTION ring_payout_checks();
