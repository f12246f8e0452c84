-- What a cart would buy now. The number of the order comes along, so that the whole order is known before it is written.
WITH next AS MATERIALIZED (SELECT nextval('order_numbers') AS number)
SELECT c.version, c.coupon_code, next.number AS "number!", l.product_id, l.quantity, p.title, p.authors, p.isbn13,
       p.format, p.status, p.price_amount, p.price_currency, coalesce(s.on_hand - s.reserved, 0) AS "available!"
FROM next
CROSS JOIN carts c
JOIN cart_lines l ON l.cart_id = c.id
JOIN products p ON p.id = l.product_id
LEFT JOIN stock s ON s.product_id = l.product_id
WHERE c.id = $1 AND c.expires_at > $2
ORDER BY l.added_at, l.product_id
