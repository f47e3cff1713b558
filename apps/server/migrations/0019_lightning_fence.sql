-- An attempt that was committed and never reached its node ends soon after its own time, not only with
-- its invoice (ADR 0014, "The fence").
ALTER TABLE lightning_attempt
  -- Since when the node has said nothing but "not found" with the attempt's time over.
  ADD COLUMN not_found_since timestamptz,
  -- It has ended, and a request that was lost could still reach the node until then. The node is asked
  -- about it at watch_due_at; null: no more.
  ADD COLUMN watch_until timestamptz,
  ADD COLUMN watch_due_at timestamptz,
  -- It counted as failed, and then the node said that it was paid.
  ADD COLUMN arrived_late boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT lightning_attempt_watched
    CHECK (watch_due_at IS NULL OR (state = 'failed' AND watch_until IS NOT NULL)),
  ADD CONSTRAINT lightning_attempt_late CHECK (NOT arrived_late OR state = 'succeeded');
CREATE INDEX lightning_attempt_watch ON lightning_attempt (watch_due_at)
  WHERE watch_due_at IS NOT NULL;
