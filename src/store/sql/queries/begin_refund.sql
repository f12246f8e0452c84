-- Sets aside what is to be sent back of a payment, and begins the refund. Nothing where less than that is left. Without a
-- payment it is the one that paid for the order; without an amount it is all that is left.
WITH due AS MATERIALIZED (
    SELECT id, coalesce($4, amount - refunded) AS wanted, currency, surplus FROM payments
    WHERE order_id = $1 AND state = 'succeeded' AND (id = $3 OR $3 IS NULL AND NOT surplus)
        AND amount - refunded >= coalesce($4, 1)
    FOR UPDATE
), set_aside AS (
    UPDATE payments p SET refunded = p.refunded + due.wanted, updated_at = $7 FROM due WHERE p.id = due.id
), counted AS (
    UPDATE orders o SET refunded = o.refunded + due.wanted, version = o.version + 1, updated_at = $7
    FROM due WHERE o.id = $1 AND NOT due.surplus
), begun AS (
    INSERT INTO refunds (id, payment_id, order_id, state, amount, reason, actor_id, created_at, updated_at, check_at)
    SELECT $2, id, $1, 'processing', wanted, $5, $6, $7, $7, $8 FROM due
)
SELECT id AS payment_id, wanted AS "amount!", currency FROM due
