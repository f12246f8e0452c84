-- Accounts and their sessions.

CREATE TABLE users (
    id                  uuid PRIMARY KEY,
    -- Normalized: trimmed, NFC, lower case. So two spellings of one address cannot have two accounts.
    email               text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
    -- A PHC string: algorithm, version, parameters, salt and hash.
    password_hash       text NOT NULL,
    display_name        text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    role                text NOT NULL CHECK (role IN ('customer', 'admin')),
    version             bigint NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL,
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the token. The token has 256 random bits, so a fast hash without salt is enough.
    token_hash   bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    -- The sliding end, never later than the absolute limit.
    expires_at   timestamptz NOT NULL,
    -- When the password was last given in this session.
    confirmed_at timestamptz NOT NULL,
    user_agent   text CHECK (char_length(user_agent) <= 512),
    address      text NOT NULL,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX sessions_user_idx ON sessions (user_id, id);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);

-- What one administrator did, for the export of their data.
CREATE INDEX audit_log_actor_idx ON audit_log (actor_id, id) WHERE actor_id IS NOT NULL;
