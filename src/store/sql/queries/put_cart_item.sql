-- Puts copies of a book into a cart, or adds them to those that are there, and says what it found. A cart that has expired
-- begins anew: what was put into it before it expired is gone. Whoever writes to a cart locks its row first, so that two of
-- them wait for each other instead of deadlocking; the one who waited adds to what the other one left.
WITH present AS (
    SELECT expires_at, expires_at <= $8 AS expired FROM carts WHERE id = $1
), held AS (
    SELECT count(*) AS lines, coalesce(max(quantity) FILTER (WHERE product_id = $4), 0) AS quantity
    FROM cart_lines
    WHERE cart_id = $1 AND NOT EXISTS (SELECT FROM present WHERE expired)
), book AS (
    SELECT p.status, p.price_amount, p.price_currency, s.on_hand - s.reserved AS available, h.lines,
           h.quantity AS before, CASE WHEN $6 THEN h.quantity + $5 ELSE $5 END AS wanted
    FROM products p JOIN stock s ON s.product_id = p.id CROSS JOIN held h
    WHERE p.id = $4
), allowed AS (
    SELECT price_amount, price_currency, available
    FROM book
    WHERE status = 'active' AND price_currency = $7 AND wanted <= $10 AND wanted <= available
        AND (before > 0 OR lines < $11)
), cart AS (
    INSERT INTO carts AS c (id, user_id, token_hash, created_at, updated_at, expires_at)
    SELECT $1, $2, $3, $8, $8, $9 FROM allowed
    ON CONFLICT (id) DO UPDATE
    SET version = c.version + 1, updated_at = $8, expires_at = $9,
        created_at = CASE WHEN c.expires_at <= $8 THEN $8 ELSE c.created_at END,
        coupon_code = CASE WHEN c.expires_at <= $8 THEN NULL ELSE c.coupon_code END
    RETURNING id
), outdated AS (
    DELETE FROM cart_lines l USING cart, present
    WHERE l.cart_id = cart.id AND l.product_id <> $4 AND present.expired AND l.added_at < present.expires_at
), line AS (
    INSERT INTO cart_lines AS l (cart_id, product_id, quantity, price_amount, price_currency, availability, added_at)
    SELECT cart.id, $4, $5, a.price_amount, a.price_currency,
           CASE WHEN a.available > $12 THEN 'in_stock' ELSE 'few_left' END, $8
    FROM cart CROSS JOIN allowed a
    ON CONFLICT (cart_id, product_id) DO UPDATE
    SET quantity = CASE WHEN $6 AND l.added_at >= coalesce((SELECT expires_at FROM present WHERE expired), '-infinity')
                        THEN l.quantity + $5 ELSE $5 END,
        price_amount = excluded.price_amount, price_currency = excluded.price_currency,
        availability = excluded.availability,
        added_at = CASE WHEN l.added_at >= coalesce((SELECT expires_at FROM present WHERE expired), '-infinity')
                        THEN l.added_at ELSE $8 END
    -- Somebody else may have added to it since this statement began.
    WHERE NOT $6 OR l.quantity + $5 <= $10
    RETURNING product_id
), told AS (
    INSERT INTO outbox (kind, payload)
    SELECT event.kind, event.payload FROM cart CROSS JOIN unnest($13::text[], $14::jsonb[]) AS event (kind, payload)
    RETURNING id
)
SELECT b.status, b.price_currency, b.available AS "available!", b.lines AS "lines!", b.before AS "before!",
       b.wanted AS "wanted!", EXISTS (SELECT FROM cart) AS "allowed!", EXISTS (SELECT FROM line) AS "placed!",
       ARRAY(SELECT id FROM told) AS "told!"
FROM book b
