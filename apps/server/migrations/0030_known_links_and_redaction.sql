-- What of a customer is found by also says with whom it has something in common, for monitoring
-- (docs/monitoring.md): by how surely it does, the surest 0; null: it links nobody.
ALTER TABLE customer_index ADD COLUMN link_rank smallint CHECK (link_rank BETWEEN 0 AND 9);

-- What an erasure leaves of the texts that people wrote (docs/kyc.md). The worker does it, after the
-- duties to keep have ended; the role that serves requests can not.
ALTER TABLE customer_erasure ADD COLUMN texts_redacted_at timestamptz;
CREATE INDEX customer_erasure_texts ON customer_erasure (done_at)
  WHERE done_at IS NOT NULL AND texts_redacted_at IS NULL;

ALTER TABLE filing ADD COLUMN redacted_at timestamptz,
  -- Of a document that was redacted its hash stays: it is in the case's chain.
  DROP CONSTRAINT filing_check,
  DROP CONSTRAINT filing_check1,
  ADD CONSTRAINT filing_document_and_hash
    CHECK (redacted_at IS NOT NULL OR (document IS NULL) = (document_sha256 IS NULL)),
  ADD CONSTRAINT filing_has_document
    CHECK (redacted_at IS NOT NULL OR document IS NOT NULL OR state IN ('draft', 'withdrawn')),
  ADD CONSTRAINT filing_redacted_has_none CHECK (redacted_at IS NULL OR document IS NULL);

-- The cases about a customer: himself, his orders, what was paid for them, and their refunds.
CREATE FUNCTION compliance_cases_of_customer(of_merchant uuid, of_customer uuid)
  RETURNS SETOF uuid LANGUAGE sql STABLE
AS $$
  SELECT c.id FROM compliance_case c
   WHERE c.merchant_id = of_merchant AND (c.subject_type, c.subject_id) IN (
     SELECT 'customer', of_customer::text
      UNION ALL
     SELECT 'order', o.id::text FROM orders o
      WHERE o.merchant_id = of_merchant AND o.customer_id = of_customer
      UNION ALL
     SELECT 'payment', p.id::text FROM payment p
       JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
      WHERE o.merchant_id = of_merchant AND o.customer_id = of_customer
      UNION ALL
     SELECT 'payout', r.payout_id::text FROM refund r
       JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
      WHERE o.merchant_id = of_merchant AND o.customer_id = of_customer)
$$;

-- Whether it is the owner of the tables who redacts, inside compliance_redact_customer: nobody else
-- becomes the owner, and the owner says so by a setting of the transaction, so that it is no mistake.
CREATE FUNCTION compliance_is_redacting() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT current_setting('quittance.redacting', true) = 'on'
     AND current_user = (SELECT tableowner FROM pg_tables
                          WHERE schemaname = 'public' AND tablename = 'compliance_case_log')
$$;

CREATE OR REPLACE FUNCTION compliance_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND compliance_is_redacting() THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the record of compliance is append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;

CREATE OR REPLACE FUNCTION filing_keep_submitted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' THEN
    RAISE EXCEPTION 'filings are never deleted';
  END IF;
  IF compliance_is_redacting() THEN
    RETURN NEW;
  END IF;
  IF NEW.redacted_at IS DISTINCT FROM OLD.redacted_at THEN
    RAISE EXCEPTION 'the filing % is redacted after the retention, and not otherwise', OLD.id;
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

-- Takes the texts out of the cases, reports and refunds of a customer that has been erased. What seals
-- them stays: the log's hashes, and of documents the SHA-256. Refuses while a duty to keep is open.
CREATE FUNCTION compliance_redact_customer(of_merchant uuid, of_customer uuid, now_at timestamptz)
  RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  cases uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM customer c WHERE c.merchant_id = of_merchant AND c.id = of_customer
                    AND c.erased_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the customer % has not been erased', of_customer;
  END IF;
  cases := ARRAY(SELECT compliance_cases_of_customer(of_merchant, of_customer));
  IF EXISTS (SELECT FROM compliance_case c
              WHERE c.merchant_id = of_merchant AND c.id = ANY (cases) AND c.state <> 'closed')
    OR EXISTS (SELECT FROM filing f WHERE f.merchant_id = of_merchant AND f.case_id = ANY (cases)
                  AND f.state NOT IN ('acknowledged', 'rejected', 'withdrawn', 'submitted')) THEN
    RAISE EXCEPTION 'a case or a report about the customer % is open', of_customer;
  END IF;
  PERFORM set_config('quittance.redacting', 'on', true);
  UPDATE compliance_case_log SET content = NULL
   WHERE merchant_id = of_merchant AND case_id = ANY (cases);
  UPDATE compliance_alert SET summary = 'Erased after the retention.', facts = '{}'
   WHERE merchant_id = of_merchant AND case_id = ANY (cases);
  UPDATE compliance_case SET summary = 'Erased after the retention.'
   WHERE merchant_id = of_merchant AND id = ANY (cases);
  UPDATE filing SET document = NULL, summary = NULL, errors = '[]', redacted_at = now_at, facts = CASE kind
      WHEN 'sar' THEN jsonb_build_object('kind', kind, 'filingDate', facts -> 'filingDate',
        'report', facts -> 'report', 'subjects', '[]'::jsonb, 'narrative', 'Erased after the retention.',
        'activity', jsonb_build_object('from', facts -> 'activity' -> 'from', 'kinds', '[]'::jsonb))
      WHEN 'ctr' THEN jsonb_build_object('kind', kind, 'filingDate', facts -> 'filingDate',
        'report', facts -> 'report', 'transactionDate', facts -> 'transactionDate',
        'persons', '[]'::jsonb, 'details', '[]'::jsonb)
      ELSE jsonb_build_object('kind', kind, 'reportCode', facts -> 'reportCode',
        'filingDate', facts -> 'filingDate', 'reference', facts -> 'reference',
        'subjects', '[]'::jsonb, 'transactions', '[]'::jsonb, 'indicators', '[]'::jsonb,
        'narrative', 'Erased after the retention.') END
   WHERE merchant_id = of_merchant AND case_id = ANY (cases) AND redacted_at IS NULL;
  UPDATE filing_event SET detail = detail - 'reason'
   WHERE merchant_id = of_merchant AND filing_id IN
     (SELECT f.id FROM filing f WHERE f.merchant_id = of_merchant AND f.case_id = ANY (cases));
  UPDATE refund SET note = NULL
   WHERE merchant_id = of_merchant AND note IS NOT NULL AND order_id IN
     (SELECT o.id FROM orders o WHERE o.merchant_id = of_merchant AND o.customer_id = of_customer);
  UPDATE payout SET metadata = '{}', description = NULL
   WHERE merchant_id = of_merchant AND refund_id IN
     (SELECT r.id FROM refund r JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
       WHERE o.merchant_id = of_merchant AND o.customer_id = of_customer);
  PERFORM set_config('quittance.redacting', 'off', true);
  RETURN cardinality(cases);
END $$;

REVOKE ALL ON FUNCTION compliance_cases_of_customer, compliance_is_redacting,
  compliance_redact_customer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_cases_of_customer TO quittance_app, quittance_system;
GRANT EXECUTE ON FUNCTION compliance_is_redacting TO quittance_app, quittance_system;
GRANT EXECUTE ON FUNCTION compliance_redact_customer TO quittance_system;
