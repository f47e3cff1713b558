-- ledger_post_to_book with the same rules and the same answers as before, carried out with half as many
-- statements inside: a payer waits while a payment is booked, and a busy store's catching up is
-- mostly this.

-- What one transfer of a batch is, read once: what is wrong with its shape and sums (or null), its
-- encoding (ledger/README.md), and its legs as arrays.
CREATE TYPE ledger_reading AS (
  fault             text,
  encoded_legs      text,
  encoded_reference text,
  codes             text[],
  assets            text[],
  kinds             text[],
  floors            boolean[],
  directions        text[],
  amounts           bigint[]
);

CREATE OR REPLACE FUNCTION ledger_post_to_book(book uuid, batch jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  head ledger_book;
  -- The accounts that the batch names. They stay in memory meanwhile and are written once at the
  -- end, because a batch changes the same few rows again and again.
  codes text[];
  ids integer[];
  assets text[];
  kinds text[];
  floors boolean[];
  debits_posted_of bigint[];
  credits_posted_of bigint[];
  debits_pending_of bigint[];
  credits_pending_of bigint[];
  transfer jsonb;
  reading ledger_reading;
  stored ledger_transfer;
  at integer;
  -- Where the account of each leg stands in the arrays, and its id.
  places integer[];
  leg_accounts integer[];
  leg_amount bigint;
  transfer_id uuid;
  pending uuid;
  transfer_phase text;
  effective_ms bigint;
  content text;
  fault text;
  next_hash bytea;
  recorded integer := 0;
BEGIN
  -- Writers of one book go one after the other from here to the end of their transaction.
  SELECT * INTO head FROM ledger_book b WHERE b.id = book FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO ledger_book (id) VALUES (book) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT head FROM ledger_book b WHERE b.id = book FOR UPDATE;
  END IF;
  SELECT coalesce(array_agg(a.code), '{}'), coalesce(array_agg(a.id), '{}'),
         coalesce(array_agg(a.asset), '{}'), coalesce(array_agg(a.kind), '{}'),
         coalesce(array_agg(a.floor), '{}'),
         coalesce(array_agg(a.debits_posted), '{}'), coalesce(array_agg(a.credits_posted), '{}'),
         coalesce(array_agg(a.debits_pending), '{}'), coalesce(array_agg(a.credits_pending), '{}')
    INTO codes, ids, assets, kinds, floors, debits_posted_of, credits_posted_of,
         debits_pending_of, credits_pending_of
    FROM ledger_account a WHERE a.book_id = book AND a.code IN (
      SELECT l ->> 'code' FROM jsonb_array_elements(batch) t, jsonb_array_elements(t -> 'legs') l);

  FOR transfer IN SELECT value FROM jsonb_array_elements(batch) LOOP
    transfer_id := (transfer ->> 'id')::uuid;
    transfer_phase := transfer ->> 'phase';
    pending := (transfer ->> 'pendingId')::uuid;
    effective_ms := (transfer ->> 'effectiveAtMs')::bigint;
    SELECT CASE
        WHEN EXISTS (SELECT FROM jsonb_each(transfer -> 'reference') r
                     WHERE jsonb_typeof(r.value) <> 'string') THEN 'invalid_transfer'
        WHEN transfer_phase NOT IN ('single', 'pending', 'post', 'void') THEN 'invalid_transfer'
        WHEN (pending IS NOT NULL) <> (transfer_phase IN ('post', 'void')) THEN 'invalid_transfer'
        WHEN count(*) < 2 THEN 'too_few_legs'
        WHEN bool_or(l.amount <= 0 OR l.direction NOT IN ('debit', 'credit')) THEN 'invalid_leg'
        WHEN bool_or(l.code IS NULL OR l.asset IS NULL OR l.kind IS NULL OR l.floor IS NULL
                     OR l.direction IS NULL OR l.amount IS NULL) THEN 'invalid_leg'
        WHEN EXISTS (
          SELECT FROM jsonb_to_recordset(transfer -> 'legs')
            AS s (asset text, direction text, amount numeric)
          GROUP BY s.asset
          HAVING sum(CASE s.direction WHEN 'debit' THEN s.amount ELSE -s.amount END) <> 0
        ) THEN 'unbalanced'
      END,
      ledger_field(count(*)::text) || coalesce(string_agg(
        ledger_field(l.code) || ledger_field(l.asset) || ledger_field(l.kind)
        || ledger_field(CASE WHEN l.floor THEN 'floor' ELSE 'free' END)
        || ledger_field(l.direction) || ledger_field(l.amount::text), '' ORDER BY l.n), ''),
      (SELECT ledger_field(count(*)::text) || coalesce(string_agg(
         ledger_field(r.key) || ledger_field(r.value), '' ORDER BY r.key COLLATE "C"), '')
         FROM jsonb_each_text(transfer -> 'reference') AS r),
      array_agg(l.code ORDER BY l.n), array_agg(l.asset ORDER BY l.n),
      array_agg(l.kind ORDER BY l.n), array_agg(l.floor ORDER BY l.n),
      array_agg(l.direction ORDER BY l.n), array_agg(l.amount ORDER BY l.n)
      INTO reading
      FROM ROWS FROM (jsonb_to_recordset(transfer -> 'legs') AS (code text, asset text, kind text,
        floor boolean, direction text, amount bigint))
        WITH ORDINALITY AS l (code, asset, kind, floor, direction, amount, n);
    IF reading.fault IS NOT NULL THEN
      PERFORM ledger_fail(reading.fault, transfer_id, 'the transfer is not well formed');
    END IF;
    -- As ledger_encode writes it.
    content := ledger_field('quittance-ledger-1') || ledger_field(book::text)
      || ledger_field(transfer_id::text) || ledger_field(transfer ->> 'template')
      || ledger_field(transfer_phase) || ledger_field(coalesce(pending::text, ''))
      || ledger_field(effective_ms::text) || reading.encoded_reference || reading.encoded_legs;

    -- A retry is exact or it is refused; only the time of recording may differ.
    SELECT * INTO stored FROM ledger_transfer t WHERE t.book_id = book AND t.id = transfer_id;
    IF FOUND THEN
      IF content = ledger_encode(book, stored.id, stored.template, stored.phase,
        stored.pending_id, ledger_ms(stored.effective_at), stored.reference,
        ledger_encode_legs(ledger_stored_legs(book, stored.sequence))) THEN CONTINUE;
      END IF;
      PERFORM ledger_fail('transfer_mismatch', transfer_id,
        'the id belongs to a transfer with other content');
    END IF;

    IF pending IS NOT NULL THEN
      fault := ledger_find_pending_fault(book, pending, reading.encoded_legs);
      IF fault IS NOT NULL THEN
        PERFORM ledger_fail(fault, transfer_id, format('it names the pending %s', pending));
      END IF;
    END IF;

    head.head_sequence := head.head_sequence + 1;
    head.head_recorded_at := greatest(head.head_recorded_at,
      ledger_time((transfer ->> 'recordedAtMs')::bigint));
    next_hash := sha256(head.head_hash || convert_to(ledger_field(head.head_sequence::text)
      || ledger_field(ledger_ms(head.head_recorded_at)::text) || content, 'UTF8'));
    INSERT INTO ledger_transfer (book_id, id, sequence, template, phase, pending_id, effective_at,
      recorded_at, reference, prev_hash, hash)
    VALUES (book, transfer_id, head.head_sequence, transfer ->> 'template', transfer_phase,
      pending, ledger_time(effective_ms), head.head_recorded_at,
      transfer -> 'reference', head.head_hash, next_hash);
    head.head_hash := next_hash;
    recorded := recorded + 1;

    places := '{}';
    leg_accounts := '{}';
    FOR n IN 1 .. cardinality(reading.codes) LOOP
      at := array_position(codes, reading.codes[n]);
      IF at IS NULL THEN
        head.account_count := head.account_count + 1;
        INSERT INTO ledger_account (book_id, id, code, asset, kind, floor)
        VALUES (book, head.account_count, reading.codes[n], reading.assets[n], reading.kinds[n],
          reading.floors[n]);
        at := cardinality(codes) + 1;
        codes[at] := reading.codes[n];
        ids[at] := head.account_count;
        assets[at] := reading.assets[n];
        kinds[at] := reading.kinds[n];
        floors[at] := reading.floors[n];
        debits_posted_of[at] := 0;
        credits_posted_of[at] := 0;
        debits_pending_of[at] := 0;
        credits_pending_of[at] := 0;
      ELSIF assets[at] <> reading.assets[n] OR kinds[at] <> reading.kinds[n]
        OR floors[at] <> reading.floors[n] THEN
        PERFORM ledger_fail('account_mismatch', transfer_id,
          format('the account %s was opened with another definition', reading.codes[n]));
      END IF;
      places[n] := at;
      leg_accounts[n] := ids[at];
    END LOOP;

    -- A post takes out of the pending counters what it adds to the posted ones.
    FOR n IN 1 .. cardinality(places) LOOP
      at := places[n];
      leg_amount := reading.amounts[n];
      IF reading.directions[n] = 'debit' THEN
        IF transfer_phase IN ('single', 'post') THEN
          debits_posted_of[at] := debits_posted_of[at] + leg_amount;
        END IF;
        IF transfer_phase = 'pending' THEN
          debits_pending_of[at] := debits_pending_of[at] + leg_amount;
        ELSIF transfer_phase <> 'single' THEN
          debits_pending_of[at] := debits_pending_of[at] - leg_amount;
        END IF;
      ELSE
        IF transfer_phase IN ('single', 'post') THEN
          credits_posted_of[at] := credits_posted_of[at] + leg_amount;
        END IF;
        IF transfer_phase = 'pending' THEN
          credits_pending_of[at] := credits_pending_of[at] + leg_amount;
        ELSIF transfer_phase <> 'single' THEN
          credits_pending_of[at] := credits_pending_of[at] - leg_amount;
        END IF;
      END IF;
    END LOOP;
    INSERT INTO ledger_entry (book_id, sequence, leg, account_id, direction, amount)
    SELECT book, head.head_sequence, l.n, l.account_id, l.direction, l.amount
      FROM unnest(leg_accounts, reading.directions, reading.amounts)
        WITH ORDINALITY AS l (account_id, direction, amount, n);

    FOREACH at IN ARRAY places LOOP
      IF floors[at] AND (CASE WHEN kinds[at] IN ('asset', 'expense')
        THEN debits_posted_of[at]::numeric - credits_posted_of[at] - credits_pending_of[at] < 0
        ELSE credits_posted_of[at]::numeric - debits_posted_of[at] - debits_pending_of[at] < 0 END) THEN
        PERFORM ledger_fail('below_floor', transfer_id,
          format('the account %s must not go below zero', codes[at]));
      END IF;
    END LOOP;
  END LOOP;

  IF recorded > 0 THEN
    UPDATE ledger_account a SET debits_posted = n.debits_posted,
      credits_posted = n.credits_posted, debits_pending = n.debits_pending,
      credits_pending = n.credits_pending
    FROM unnest(ids, debits_posted_of, credits_posted_of, debits_pending_of, credits_pending_of)
      AS n (id, debits_posted, credits_posted, debits_pending, credits_pending)
    WHERE a.book_id = book AND a.id = n.id;
    UPDATE ledger_book b SET head_sequence = head.head_sequence, head_hash = head.head_hash,
      head_recorded_at = head.head_recorded_at, account_count = head.account_count
    WHERE b.id = book;
  END IF;
  RETURN recorded;
END $$;

DROP FUNCTION ledger_lock_book, ledger_find_fault, ledger_apply, ledger_is_below_floor;

-- Coins are brought in line by a statement of paying/coins, which is planned by itself.
DROP FUNCTION refresh_coins;
