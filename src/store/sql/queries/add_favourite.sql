-- Keeps a book in mind. Of two who add it at the same moment, one waits for the other, and then finds it there.
WITH book AS (
    SELECT id FROM products WHERE id = $2 AND status <> 'draft'
), present AS (
    SELECT added_at FROM favourites WHERE user_id = $1 AND product_id = $2
), held AS (
    SELECT count(*) AS favourites FROM (SELECT FROM favourites WHERE user_id = $1 LIMIT $4) f
), added AS (
    INSERT INTO favourites AS f (user_id, product_id, added_at)
    SELECT $1, id, $3 FROM book CROSS JOIN held
    WHERE favourites < $4 AND NOT EXISTS (SELECT FROM present)
    ON CONFLICT (user_id, product_id) DO UPDATE SET added_at = f.added_at
    -- A row that was there has been locked by this transaction, and a new one has not.
    RETURNING added_at, xmax = 0 AS is_new
), told AS (
    INSERT INTO outbox (kind, payload)
    SELECT event.kind, event.payload FROM added CROSS JOIN unnest($5::text[], $6::jsonb[]) AS event (kind, payload)
    WHERE is_new
    RETURNING id
)
SELECT EXISTS (SELECT FROM book) AS "is_book!", coalesce((SELECT is_new FROM added), false) AS "is_new!",
       coalesce((SELECT added_at FROM added), (SELECT added_at FROM present)) AS added_at,
       ARRAY(SELECT id FROM told) AS "told!"
