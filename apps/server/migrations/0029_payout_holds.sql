-- Who decided that a report is to be made. It stays when the rest is decided afterwards, in the same
-- case (docs/adr/0016-compliance.md).
ALTER TABLE compliance_case ADD COLUMN report_decision jsonb;
ALTER TABLE compliance_case ADD CHECK (outcome <> 'report' OR report_decision IS NOT NULL);
GRANT INSERT (report_decision), UPDATE (report_decision) ON compliance_case
  TO quittance_app, quittance_system;
