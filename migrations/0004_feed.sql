-- The outbox as a feed for a process that does not hear Redis. Ids are taken before they commit, so "id > last" would lose
-- what commits late. The transaction's own number does not: whatever a snapshot does not show has a number at or above the
-- snapshot's xmin.
ALTER TABLE outbox ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX outbox_xid_idx ON outbox (xid);
