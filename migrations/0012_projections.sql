-- Who else follows the outbox: deliveries of webhooks were the first, tables that are derived from events come to them.

CREATE TABLE outbox_places (
    reader text PRIMARY KEY,
    -- Everything of transactions before this one was read.
    place  xid8 NOT NULL,
    -- What a reader that began by counting everything had seen then: of that nothing is read once more, though it may lie
    -- behind the place.
    seen   pg_snapshot
);
INSERT INTO outbox_places (reader, place) SELECT 'webhooks', place FROM webhook_dispatch;
DROP TABLE webhook_dispatch;
