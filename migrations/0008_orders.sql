-- Orders, and the keys by which a repeated request is known.

CREATE SEQUENCE order_numbers START 100001;

CREATE TABLE orders (
    id               uuid PRIMARY KEY,
    -- What people read to each other on the telephone. Not without gaps: an order that was refused has used one.
    number           bigint NOT NULL DEFAULT nextval('order_numbers') CONSTRAINT orders_number_key UNIQUE,
    -- Absent for guests, and after the account was closed.
    user_id          uuid REFERENCES users ON DELETE SET NULL,
    -- By which a guest reads the order later: the token of the cart.
    guest_token_hash bytea CHECK (octet_length(guest_token_hash) = 32),
    email            text NOT NULL,
    -- Name and address as they were when it was placed.
    shipping_address jsonb NOT NULL,
    country          text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    shipping_method  text NOT NULL,
    coupon_code      text,
    state            text NOT NULL CHECK (state IN (
        'pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded', 'expired')),
    currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Minor units; total = subtotal - discount + shipping + tax.
    subtotal         bigint NOT NULL CHECK (subtotal >= 0),
    discount         bigint NOT NULL CHECK (discount BETWEEN 0 AND subtotal),
    shipping         bigint NOT NULL CHECK (shipping >= 0),
    tax              bigint NOT NULL CHECK (tax >= 0),
    total            bigint NOT NULL,
    refunded         bigint NOT NULL DEFAULT 0,
    version          bigint NOT NULL DEFAULT 1,
    placed_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    -- Until when the books are kept for whoever has not paid yet.
    expires_at       timestamptz NOT NULL,
    tracking         text CHECK (char_length(tracking) BETWEEN 1 AND 200),
    CONSTRAINT orders_total_adds_up CHECK (total = subtotal - discount + shipping + tax),
    CONSTRAINT orders_refunded_at_most_total CHECK (refunded BETWEEN 0 AND total)
);
CREATE INDEX orders_user_idx ON orders (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX orders_guest_idx ON orders (guest_token_hash, id) WHERE guest_token_hash IS NOT NULL;
CREATE INDEX orders_state_idx ON orders (state, id);
CREATE INDEX orders_expiry_idx ON orders (expires_at) WHERE state = 'pending';

-- What was sold, as it was then: the book may change later.
CREATE TABLE order_lines (
    order_id   uuid NOT NULL REFERENCES orders,
    position   smallint NOT NULL,
    product_id uuid NOT NULL REFERENCES products,
    title      text NOT NULL,
    authors    text[] NOT NULL,
    isbn13     text,
    format     text,
    quantity   integer NOT NULL CHECK (quantity > 0),
    -- Minor units; subtotal = unit_price * quantity, total = subtotal - discount + tax.
    unit_price bigint NOT NULL CHECK (unit_price >= 0),
    subtotal   bigint NOT NULL,
    discount   bigint NOT NULL CHECK (discount BETWEEN 0 AND subtotal),
    tax        bigint NOT NULL CHECK (tax >= 0),
    total      bigint NOT NULL,
    PRIMARY KEY (order_id, position),
    CONSTRAINT order_lines_add_up CHECK (subtotal = unit_price * quantity AND total = subtotal - discount + tax)
);
CREATE INDEX order_lines_product_idx ON order_lines (product_id);

-- Every state that an order has had. Append-only.
CREATE TABLE order_history (
    order_id    uuid NOT NULL REFERENCES orders,
    version     bigint NOT NULL,
    state       text NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- Who did it; absent where the shop did, or a guest.
    actor_id    uuid,
    reason      text CHECK (char_length(reason) BETWEEN 1 AND 500),
    PRIMARY KEY (order_id, version)
);
CREATE TRIGGER order_history_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A use of a coupon ends when its order does without having been paid for.
CREATE TABLE coupon_uses (
    order_id    uuid PRIMARY KEY REFERENCES orders,
    coupon_code text NOT NULL,
    -- Whose: a user's id, or a guest's address.
    customer    text NOT NULL,
    used_at     timestamptz NOT NULL,
    released_at timestamptz
);
CREATE INDEX coupon_uses_customer_idx ON coupon_uses (coupon_code, customer) WHERE released_at IS NULL;

-- The requests that were done, by the key that their sender gave them (draft-ietf-httpapi-idempotency-key-header).
CREATE TABLE idempotency_keys (
    owner       text NOT NULL,
    operation   text NOT NULL,
    key         text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    -- SHA-256 of what was asked.
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    -- What it made.
    resource_id uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- The answer; absent while the request is being worked on.
    status      smallint,
    answer      bytea,
    PRIMARY KEY (owner, operation, key)
);
CREATE INDEX idempotency_keys_expires_idx ON idempotency_keys (expires_at);
