-- Begins to pay for an order that waits for it: takes the key of the request, writes the payment, and tells of it. Nothing
-- where the order cannot be paid for by this person now, or somebody has the key. The order is locked, so that a payment
-- which is just being recorded is seen.
WITH payable AS MATERIALIZED (
    SELECT id, number, total, currency FROM orders
    WHERE id = $1 AND (user_id = $2 OR guest_token_hash = $3) AND state = 'pending' AND expires_at > $7 AND total > 0
    FOR NO KEY UPDATE
), claimed AS (
    INSERT INTO idempotency_keys AS k (owner, operation, key, fingerprint, resource_id, created_at, expires_at)
    SELECT $9, $10, $11, $12, $4, $7, $13 FROM payable
    ON CONFLICT (owner, operation, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, created_at = excluded.created_at,
        expires_at = excluded.expires_at, status = NULL, answer = NULL
    WHERE k.expires_at <= excluded.created_at
    RETURNING resource_id
), begun AS (
    INSERT INTO payments (id, order_id, provider, method, state, amount, currency, created_at, updated_at, check_at)
    SELECT $4, id, $5, $6, 'processing', total, currency, $7, $7, $8 FROM payable CROSS JOIN claimed
), told AS (
    INSERT INTO outbox (kind, payload)
    SELECT event.kind, event.payload FROM unnest($14::text[], $15::jsonb[]) AS event (kind, payload) CROSS JOIN claimed
    RETURNING id
)
SELECT number, total, currency, ARRAY(SELECT id FROM told) AS "outbox!" FROM payable CROSS JOIN claimed
