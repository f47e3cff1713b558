-- What of a customer is found by also says with whom it has something in common, for monitoring
-- (docs/monitoring.md): by how surely it does, the surest 0; null: it links nobody.
ALTER TABLE customer_index ADD COLUMN link_rank smallint CHECK (link_rank BETWEEN 0 AND 9);
