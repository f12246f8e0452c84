-- Writes an order, empties the cart that it came from, and keeps the answer under the key of the request. Says whether the
-- cart was still as it was read: whoever changes it counts its version up.
WITH placed AS (
    INSERT INTO orders (id, number, user_id, guest_token_hash, email, shipping_address, country, shipping_method,
        coupon_code, state, currency, subtotal, discount, shipping, tax, total, placed_at, updated_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18)
), lines AS (
    INSERT INTO order_lines (order_id, position, product_id, title, authors, isbn13, format, quantity, unit_price,
        subtotal, discount, tax, total)
    SELECT $1, line.position, line.product, line.title, line.authors, line.isbn13, line.format, line.quantity,
        line.unit_price, line.subtotal, line.discount, line.tax, line.total
    FROM jsonb_to_recordset($19) AS line (position smallint, product uuid, title text, authors text[], isbn13 text,
        format text, quantity integer, unit_price bigint, subtotal bigint, discount bigint, tax bigint, total bigint)
), history AS (
    INSERT INTO order_history (order_id, version, state, occurred_at, actor_id) VALUES ($1, 1, $10, $17, $3)
), coupon AS (
    INSERT INTO coupon_uses (order_id, coupon_code, customer, used_at) SELECT $1, $9, $20, $17 WHERE $9 IS NOT NULL
), cart AS (
    UPDATE carts SET version = version + 1, coupon_code = NULL, updated_at = $17 WHERE id = $21 AND version = $22
    RETURNING id
), emptied AS (
    DELETE FROM cart_lines WHERE cart_id = (SELECT id FROM cart)
), kept AS (
    UPDATE idempotency_keys SET status = 201, answer = $23 WHERE owner = $24 AND operation = $25 AND key = $26
)
SELECT EXISTS (SELECT FROM cart) AS "as_read!"
