-- Carts of customers and of guests, and the coupons that they hold.

CREATE TABLE coupons (
    -- Upper case, so that two spellings of one code are one coupon.
    code                  text PRIMARY KEY CHECK (code ~ '^[A-Z0-9][A-Z0-9_-]{2,39}$'),
    -- One of the two: a share of the goods in basis points (1500 is 15 %), or an amount in minor units.
    basis_points          integer CHECK (basis_points BETWEEN 1 AND 10000),
    amount                bigint CHECK (amount > 0),
    -- What the goods must be worth, in minor units.
    minimum               bigint NOT NULL DEFAULT 0 CHECK (minimum >= 0),
    starts_at             timestamptz,
    ends_at               timestamptz,
    max_uses              integer CHECK (max_uses > 0),
    max_uses_per_customer integer CHECK (max_uses_per_customer > 0),
    uses                  integer NOT NULL DEFAULT 0 CHECK (uses >= 0),
    active                boolean NOT NULL DEFAULT true,
    version               bigint NOT NULL DEFAULT 1,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    CONSTRAINT coupons_one_kind CHECK ((basis_points IS NULL) <> (amount IS NULL)),
    CONSTRAINT coupons_dates CHECK (starts_at < ends_at),
    CONSTRAINT coupons_uses_limit CHECK (uses <= max_uses)
);

CREATE TABLE carts (
    id          uuid PRIMARY KEY,
    user_id     uuid REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of a guest's token, which has 256 random bits.
    token_hash  bytea CHECK (octet_length(token_hash) = 32),
    coupon_code text REFERENCES coupons ON DELETE SET NULL,
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT carts_one_owner CHECK ((user_id IS NULL) <> (token_hash IS NULL))
);
-- No UNIQUE: the id is a hash of the owner, so nobody has two. And of two who write to a new cart at the same moment, one
-- would trip over such a constraint before ON CONFLICT (id) makes them one.
CREATE INDEX carts_user_idx ON carts (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX carts_expires_idx ON carts (expires_at);
CREATE INDEX carts_coupon_idx ON carts (coupon_code) WHERE coupon_code IS NOT NULL;

CREATE TABLE cart_lines (
    cart_id        uuid NOT NULL REFERENCES carts ON DELETE CASCADE,
    product_id     uuid NOT NULL REFERENCES products ON DELETE CASCADE,
    quantity       integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    -- What its owner saw when the book was added or its quantity last changed.
    price_amount   bigint NOT NULL CHECK (price_amount >= 0),
    price_currency text NOT NULL,
    availability   text NOT NULL CHECK (availability IN ('in_stock', 'few_left', 'out_of_stock')),
    added_at       timestamptz NOT NULL,
    PRIMARY KEY (cart_id, product_id)
);
CREATE INDEX cart_lines_product_idx ON cart_lines (product_id);
