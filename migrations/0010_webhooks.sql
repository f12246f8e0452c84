-- Endpoints of other systems, and the events on their way to them.

CREATE TABLE webhook_endpoints (
    id                    uuid PRIMARY KEY,
    url                   text NOT NULL CHECK (char_length(url) BETWEEN 1 AND 2000),
    description           text CHECK (char_length(description) BETWEEN 1 AND 500),
    -- Names such as order.paid, or patterns: order.*, *.
    event_types           text[] NOT NULL CHECK (cardinality(event_types) BETWEEN 1 AND 50),
    secret                bytea NOT NULL CHECK (octet_length(secret) BETWEEN 24 AND 64),
    -- The one before, which signs as well until then.
    previous_secret       bytea,
    previous_secret_until timestamptz,
    enabled               boolean NOT NULL DEFAULT true,
    disabled_reason       text CHECK (disabled_reason IN ('administrator', 'gone', 'failing')),
    -- Since when nothing has succeeded; absent after a success.
    failing_since         timestamptz,
    -- Counts what administrators see as changes, not the course of deliveries.
    version               bigint NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    CONSTRAINT webhook_endpoints_reason CHECK (enabled = (disabled_reason IS NULL)),
    CONSTRAINT webhook_endpoints_previous CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);

CREATE TABLE webhook_deliveries (
    id              uuid PRIMARY KEY,
    endpoint_id     uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    -- The same for every endpoint and every attempt: receivers recognise by it what they had before.
    event_id        text NOT NULL CHECK (char_length(event_id) BETWEEN 1 AND 100),
    type            text NOT NULL,
    -- What is sent and signed, byte for byte.
    payload         text NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    -- Begun attempts since it was last queued: the number that the schedule of retries counts.
    attempts        integer NOT NULL DEFAULT 0,
    -- Begun attempts in all. Whoever finishes an attempt says its number, so that one whose lease ran out changes nothing.
    attempt_number  integer NOT NULL DEFAULT 0,
    -- When it is due. While an attempt runs: when its lease ends, and another process may try.
    next_attempt_at timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    CONSTRAINT webhook_deliveries_event_key UNIQUE (endpoint_id, event_id),
    CONSTRAINT webhook_deliveries_finished CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_finished_idx ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (endpoint_id, created_at) WHERE state = 'failed';
CREATE INDEX webhook_deliveries_endpoint_idx ON webhook_deliveries (endpoint_id, id);

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number      integer NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    -- Of the answer; absent where there was none.
    status      smallint,
    -- Why it failed; absent where it succeeded.
    error       text,
    -- The beginning of the answer's body.
    response    text,
    PRIMARY KEY (delivery_id, number)
);

-- How far the outbox has become deliveries: everything of transactions before this one.
CREATE TABLE webhook_dispatch (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    place  xid8 NOT NULL
);
INSERT INTO webhook_dispatch (place) VALUES (pg_snapshot_xmin(pg_current_snapshot()));
