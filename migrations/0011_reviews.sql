-- What readers say of books, and which ones they keep in mind.

CREATE TABLE reviews (
    id            uuid PRIMARY KEY,
    product_id    uuid NOT NULL REFERENCES products,
    -- Absent after the account was closed: what was said stays, without a name.
    user_id       uuid REFERENCES users ON DELETE SET NULL,
    rating        smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title         text CHECK (char_length(title) BETWEEN 1 AND 150),
    body          text CHECK (char_length(body) BETWEEN 1 AND 5000),
    language      text CHECK (char_length(language) BETWEEN 2 AND 35),
    -- Whether its writer has bought the book here and kept it.
    verified      boolean NOT NULL DEFAULT false,
    -- Hidden by an administrator: neither shown nor counted.
    hidden        boolean NOT NULL DEFAULT false,
    hidden_reason text CHECK (char_length(hidden_reason) BETWEEN 1 AND 500),
    helpful       integer NOT NULL DEFAULT 0 CHECK (helpful >= 0),
    unhelpful     integer NOT NULL DEFAULT 0 CHECK (unhelpful >= 0),
    version       bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT reviews_one_each UNIQUE (product_id, user_id),
    CONSTRAINT reviews_hidden_reason CHECK (hidden OR hidden_reason IS NULL)
) WITH (fillfactor = 85);
-- One index a sort. Key and id run in the same direction, so that a page starts with one comparison of rows.
CREATE INDEX reviews_newest_idx ON reviews (product_id, id) WHERE NOT hidden;
CREATE INDEX reviews_helpful_idx ON reviews (product_id, helpful, id) WHERE NOT hidden;
CREATE INDEX reviews_rating_idx ON reviews (product_id, rating, id) WHERE NOT hidden;
CREATE INDEX reviews_user_idx ON reviews (user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE review_votes (
    review_id uuid NOT NULL REFERENCES reviews ON DELETE CASCADE,
    user_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    helpful   boolean NOT NULL,
    voted_at  timestamptz NOT NULL,
    PRIMARY KEY (review_id, user_id)
);
CREATE INDEX review_votes_user_idx ON review_votes (user_id);

CREATE TABLE review_reports (
    review_id   uuid NOT NULL REFERENCES reviews ON DELETE CASCADE,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    reason      text NOT NULL CHECK (reason IN ('spam', 'offensive', 'off_topic', 'spoiler', 'other')),
    note        text CHECK (char_length(note) BETWEEN 1 AND 500),
    reported_at timestamptz NOT NULL,
    -- When an administrator looked at it.
    settled_at  timestamptz,
    PRIMARY KEY (review_id, user_id)
);
CREATE INDEX review_reports_open_idx ON review_reports (review_id) WHERE settled_at IS NULL;
CREATE INDEX review_reports_user_idx ON review_reports (user_id);

CREATE TABLE favourites (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    product_id uuid NOT NULL REFERENCES products,
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (user_id, product_id)
);
CREATE INDEX favourites_added_idx ON favourites (user_id, added_at, product_id);
CREATE INDEX favourites_product_idx ON favourites (product_id);
