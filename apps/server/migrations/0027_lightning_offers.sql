-- Offers (BOLT 12) beside the invoices of orders: for the same amount, to be paid once, gone with the
-- invoice. Whoever pays by one gets an invoice of another payment hash; the node tells of which offer.
CREATE TABLE lightning_offer (
  merchant_id    uuid NOT NULL,
  -- The node's own: the Merkle root of the offer's fields (BOLT 12, "Offers").
  offer_id       bytea NOT NULL CHECK (length(offer_id) = 32),
  lightning_node uuid NOT NULL,
  -- The invoice that it stands beside. When that is not open any more, the offer is withdrawn.
  invoice_id     uuid NOT NULL,
  order_id       uuid NOT NULL,
  bolt12         text NOT NULL,
  created_at     timestamptz NOT NULL,
  -- When the node is asked to withdraw it, if the invoice is not open then; null: it is withdrawn.
  look_at        timestamptz,
  PRIMARY KEY (merchant_id, offer_id),
  UNIQUE (merchant_id, invoice_id),
  FOREIGN KEY (merchant_id, lightning_node) REFERENCES lightning_node (merchant_id, id),
  FOREIGN KEY (merchant_id, invoice_id) REFERENCES lightning_invoice (merchant_id, id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id)
);
CREATE INDEX lightning_offer_open ON lightning_offer (look_at) WHERE look_at IS NOT NULL;
CALL protect_tenant_table('lightning_offer');
GRANT SELECT, INSERT, UPDATE ON lightning_offer TO quittance_app, quittance_system;
