-- Payments through a provider, what it told about them, and refunds.

CREATE TABLE payments (
    id         uuid PRIMARY KEY,
    order_id   uuid NOT NULL REFERENCES orders,
    provider   text NOT NULL,
    -- What the provider calls it; absent until it has answered.
    reference  text,
    state      text NOT NULL CHECK (state IN ('processing', 'succeeded', 'declined', 'failed')),
    amount     bigint NOT NULL CHECK (amount > 0),
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Sent back, or about to be.
    refunded   bigint NOT NULL DEFAULT 0,
    -- Why it did not succeed, in the provider's words.
    failure    text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT payments_reference_key UNIQUE (provider, reference),
    CONSTRAINT payments_refunded_at_most_paid CHECK (refunded BETWEEN 0 AND amount)
);
CREATE INDEX payments_order_idx ON payments (order_id, id);
-- An order is paid for by one payment at a time.
CREATE UNIQUE INDEX payments_one_processing ON payments (order_id) WHERE state = 'processing';

CREATE TABLE refunds (
    id         uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments,
    order_id   uuid NOT NULL REFERENCES orders,
    reference  text,
    state      text NOT NULL CHECK (state IN ('processing', 'succeeded', 'failed')),
    amount     bigint NOT NULL CHECK (amount > 0),
    reason     text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    actor_id   uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX refunds_order_idx ON refunds (order_id, id);
CREATE INDEX refunds_processing_idx ON refunds (updated_at) WHERE state = 'processing';

-- The events that a provider has told, each applied once.
CREATE TABLE provider_events (
    provider    text NOT NULL,
    event_id    text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);
