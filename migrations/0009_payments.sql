-- Payments through a provider, what it told about them, and refunds.

CREATE TABLE payments (
    id           uuid PRIMARY KEY,
    order_id     uuid NOT NULL REFERENCES orders,
    provider     text NOT NULL,
    -- What the customer pays with, as the provider names it: a token that is worth nothing elsewhere.
    method       text NOT NULL CHECK (char_length(method) BETWEEN 1 AND 255),
    -- What the provider calls it; absent until it has answered.
    reference    text,
    state        text NOT NULL CHECK (state IN ('processing', 'succeeded', 'declined', 'failed')),
    amount       bigint NOT NULL CHECK (amount > 0),
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Sent back, or about to be.
    refunded     bigint NOT NULL DEFAULT 0,
    -- It succeeded when the order could not take it any more: all of it goes back, and none of it counts for the order.
    surplus      boolean NOT NULL DEFAULT false,
    -- Why it did not succeed, in the provider's words.
    failure_code text,
    failure      text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- When the provider is asked next what became of it.
    check_at     timestamptz NOT NULL,
    CONSTRAINT payments_reference_key UNIQUE (provider, reference),
    CONSTRAINT payments_refunded_at_most_paid CHECK (refunded BETWEEN 0 AND amount)
);
CREATE INDEX payments_order_idx ON payments (order_id, id);
-- An order is paid for by one payment at a time, and in the end by one.
CREATE UNIQUE INDEX payments_one_processing ON payments (order_id) WHERE state = 'processing';
CREATE UNIQUE INDEX payments_one_succeeded ON payments (order_id) WHERE state = 'succeeded' AND NOT surplus;
CREATE INDEX payments_processing_idx ON payments (check_at) WHERE state = 'processing';

CREATE TABLE refunds (
    id           uuid PRIMARY KEY,
    payment_id   uuid NOT NULL REFERENCES payments,
    order_id     uuid NOT NULL REFERENCES orders,
    reference    text,
    state        text NOT NULL CHECK (state IN ('processing', 'succeeded', 'failed')),
    amount       bigint NOT NULL CHECK (amount > 0),
    reason       text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    actor_id     uuid,
    failure_code text,
    failure      text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- When it is sent to the provider, or sent again.
    check_at     timestamptz NOT NULL
);
CREATE INDEX refunds_order_idx ON refunds (order_id, id);
CREATE INDEX refunds_processing_idx ON refunds (check_at) WHERE state = 'processing';

-- Copies that customers sent back. They are on the shelf again whatever becomes of the money.
CREATE TABLE returned_copies (
    refund_id  uuid NOT NULL REFERENCES refunds,
    order_id   uuid NOT NULL REFERENCES orders,
    product_id uuid NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (refund_id, product_id)
);
CREATE INDEX returned_copies_order_idx ON returned_copies (order_id);

-- The events that a provider has told, each applied once.
CREATE TABLE provider_events (
    provider    text NOT NULL,
    event_id    text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX provider_events_received_idx ON provider_events (received_at);
