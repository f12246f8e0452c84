-- Writes reviews and keeps the answers to the requests for them under their keys, all in one statement: so the book's counters
-- move once. Says how many answers were kept.
WITH written AS (
    INSERT INTO reviews (id, product_id, user_id, rating, title, body, language, verified, created_at, updated_at)
    SELECT n.id, n.product_id, n.user_id, n.rating, n.title, n.body, n.language, n.verified, $9, $9
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::boolean[])
        AS n (id, product_id, user_id, rating, title, body, language, verified)
), kept AS (
    INSERT INTO idempotency_keys AS k
        (owner, operation, key, fingerprint, resource_id, created_at, expires_at, status, answer)
    SELECT n.owner, n.operation, n.key, n.fingerprint, n.id, $9, $15, 201, n.answer
    FROM unnest($1::uuid[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bytea[])
        AS n (id, owner, operation, key, fingerprint, answer)
    ORDER BY n.owner, n.key
    ON CONFLICT (owner, operation, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, created_at = excluded.created_at,
        expires_at = excluded.expires_at, status = excluded.status, answer = excluded.answer
    WHERE k.expires_at <= excluded.created_at
    RETURNING 1
)
SELECT count(*) AS "kept!" FROM kept
