-- Brings an order into another state and tells its history.
WITH moved AS (
    UPDATE orders SET state = $2, version = version + 1, updated_at = $3, tracking = coalesce($4, tracking)
    WHERE id = $1
    RETURNING version
), told AS (
    INSERT INTO order_history (order_id, version, state, occurred_at, actor_id, reason)
    SELECT $1, version, $2, $3, $5, $6 FROM moved
)
SELECT version FROM moved
