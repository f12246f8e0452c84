-- Records the payment of an order that waits for it, moves the order, keeps the answer, and tells of it: all that comes after
-- most payments. Nothing where the payment was recorded by somebody else, the order does not wait for it any more, or its buyer
-- has reviewed one of its books: such a review is to be verified as well.
WITH waiting AS MATERIALIZED (
    SELECT id, user_id FROM orders WHERE id = $2 AND state = $5 FOR NO KEY UPDATE
), plain AS MATERIALIZED (
    SELECT id FROM waiting WHERE user_id IS NULL OR has_reviewed_none(user_id, id)
), paid AS (
    UPDATE payments p SET state = 'succeeded', reference = $3, updated_at = $4
    FROM plain w WHERE p.id = $1 AND p.order_id = w.id AND p.state = 'processing'
    RETURNING p.order_id
), moved AS (
    UPDATE orders o SET state = $6, version = o.version + 1, updated_at = $4
    FROM paid WHERE o.id = paid.order_id
    RETURNING o.version
), history AS (
    INSERT INTO order_history (order_id, version, state, occurred_at) SELECT $2, version, $6, $4 FROM moved
), kept AS (
    UPDATE idempotency_keys SET status = $10, answer = $11
    FROM moved WHERE owner = $7 AND operation = $8 AND key = $9
), told AS (
    INSERT INTO outbox (kind, payload)
    SELECT event.kind, event.payload FROM unnest($12::text[], $13::jsonb[]) AS event (kind, payload) CROSS JOIN moved
    RETURNING id
)
SELECT ARRAY(SELECT id FROM told) AS "outbox!"
