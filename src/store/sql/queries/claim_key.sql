-- Takes a key, unless somebody has it. One that has expired is free again.
INSERT INTO idempotency_keys AS k (owner, operation, key, fingerprint, resource_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (owner, operation, key) DO UPDATE
SET fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, created_at = excluded.created_at,
    expires_at = excluded.expires_at, status = NULL, answer = NULL
WHERE k.expires_at <= excluded.created_at
