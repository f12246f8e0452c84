-- Ends a refund that is being worked on. One that failed gives back what it had set aside.
WITH settled AS (
    UPDATE refunds SET state = $2, reference = coalesce($3, reference), failure_code = $4, failure = $5, updated_at = $6
    WHERE id = $1 AND state = 'processing'
    RETURNING payment_id, order_id, amount, state
), given_back AS (
    UPDATE payments p SET refunded = p.refunded - s.amount, updated_at = $6
    FROM settled s WHERE p.id = s.payment_id AND s.state = 'failed'
    RETURNING p.order_id, p.surplus, s.amount
), counted AS (
    UPDATE orders o SET refunded = o.refunded - g.amount, version = o.version + 1, updated_at = $6
    FROM given_back g WHERE o.id = g.order_id AND NOT g.surplus
)
SELECT EXISTS (SELECT FROM settled) AS "settled!"
