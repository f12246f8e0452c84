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
CREATE INDEX reviews_hidden_idx ON reviews (id) WHERE hidden;

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

-- Published reviews of one to five stars. What is told of a book's ratings follows from these and from what was imported; the
-- triggers below see to it, so that no statement can forget to.
ALTER TABLE products ADD COLUMN review_histogram bigint[] NOT NULL DEFAULT '{0,0,0,0,0}'
    CONSTRAINT products_review_histogram CHECK (cardinality(review_histogram) = 5 AND 0 <= ALL (review_histogram));

-- Computed anew from whole numbers each time, so that no error of rounding grows.
CREATE FUNCTION rate_product() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    own bigint[] := NEW.review_histogram;
    imported bigint := coalesce(NEW.imported_rating_count, 0);
    reviews bigint := own[1] + own[2] + own[3] + own[4] + own[5];
    stars bigint := own[1] + 2 * own[2] + 3 * own[3] + 4 * own[4] + 5 * own[5];
BEGIN
    NEW.rating_count := imported + reviews;
    IF reviews = 0 THEN
        NEW.rating_average := coalesce(NEW.imported_rating_average, 0);
        NEW.rating_histogram := NEW.imported_rating_histogram;
        RETURN NEW;
    END IF;
    NEW.rating_average :=
        least((coalesce(NEW.imported_rating_average, 0) * imported + stars) / (imported + reviews), 5);
    NEW.rating_histogram := CASE
        WHEN NEW.imported_rating_histogram IS NOT NULL THEN
            ARRAY(SELECT a + b FROM unnest(NEW.imported_rating_histogram, own) WITH ORDINALITY AS both_of (a, b, n) ORDER BY n)
        -- A source that told the average alone: how its ratings spread is not known.
        WHEN imported = 0 THEN own
    END;
    RETURN NEW;
END
$$;
CREATE TRIGGER products_rate
    BEFORE UPDATE OF imported_rating_average, imported_rating_count, imported_rating_histogram, review_histogram ON products
    FOR EACH ROW EXECUTE FUNCTION rate_product();

-- Who asks whether the book's page has changed since a time is told so. In a language whose plans are kept.
CREATE FUNCTION move_review_counts(book uuid, change bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE products SET review_histogram = ARRAY[
        review_histogram[1] + change[1], review_histogram[2] + change[2], review_histogram[3] + change[3],
        review_histogram[4] + change[4], review_histogram[5] + change[5]],
        updated_at = greatest(updated_at, now())
    WHERE id = book;
END
$$;

-- Once a statement and book: a row of products carries many indexes. In the order of ids, so that two statements about the
-- same books wait for each other instead of deadlocking.
CREATE FUNCTION count_reviews() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    change record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR change IN
            SELECT product_id, ARRAY[count(*) FILTER (WHERE rating = 1), count(*) FILTER (WHERE rating = 2),
                count(*) FILTER (WHERE rating = 3), count(*) FILTER (WHERE rating = 4), count(*) FILTER (WHERE rating = 5)] AS stars
            FROM new_rows WHERE NOT hidden GROUP BY product_id ORDER BY product_id
        LOOP
            PERFORM move_review_counts(change.product_id, change.stars);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR change IN
            SELECT product_id, ARRAY[-count(*) FILTER (WHERE rating = 1), -count(*) FILTER (WHERE rating = 2),
                -count(*) FILTER (WHERE rating = 3), -count(*) FILTER (WHERE rating = 4), -count(*) FILTER (WHERE rating = 5)] AS stars
            FROM old_rows WHERE NOT hidden GROUP BY product_id ORDER BY product_id
        LOOP
            PERFORM move_review_counts(change.product_id, change.stars);
        END LOOP;
    ELSE
        FOR change IN
            SELECT product_id, stars FROM (
                SELECT product_id, ARRAY[coalesce(sum(n) FILTER (WHERE rating = 1), 0),
                    coalesce(sum(n) FILTER (WHERE rating = 2), 0), coalesce(sum(n) FILTER (WHERE rating = 3), 0),
                    coalesce(sum(n) FILTER (WHERE rating = 4), 0), coalesce(sum(n) FILTER (WHERE rating = 5), 0)] AS stars
                FROM (SELECT product_id, rating, 1 AS n FROM new_rows WHERE NOT hidden
                      UNION ALL SELECT product_id, rating, -1 FROM old_rows WHERE NOT hidden) both_sides
                GROUP BY product_id) moved
            WHERE stars <> '{0,0,0,0,0}' ORDER BY product_id
        LOOP
            PERFORM move_review_counts(change.product_id, change.stars);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER reviews_count_new AFTER INSERT ON reviews
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();
CREATE TRIGGER reviews_count_changed AFTER UPDATE ON reviews
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();
CREATE TRIGGER reviews_count_gone AFTER DELETE ON reviews
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();

-- The same for votes, also for those that go with an account.
CREATE FUNCTION count_votes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    change record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR change IN
            SELECT review_id, count(*) FILTER (WHERE helpful) AS up, count(*) FILTER (WHERE NOT helpful) AS down
            FROM new_rows GROUP BY review_id ORDER BY review_id
        LOOP
            UPDATE reviews SET helpful = helpful + change.up, unhelpful = unhelpful + change.down WHERE id = change.review_id;
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR change IN
            SELECT review_id, count(*) FILTER (WHERE helpful) AS up, count(*) FILTER (WHERE NOT helpful) AS down
            FROM old_rows GROUP BY review_id ORDER BY review_id
        LOOP
            UPDATE reviews SET helpful = helpful - change.up, unhelpful = unhelpful - change.down WHERE id = change.review_id;
        END LOOP;
    ELSE
        FOR change IN
            SELECT review_id, coalesce(sum(n) FILTER (WHERE helpful), 0) AS up, coalesce(sum(n) FILTER (WHERE NOT helpful), 0) AS down
            FROM (SELECT review_id, helpful, 1 AS n FROM new_rows
                  UNION ALL SELECT review_id, helpful, -1 FROM old_rows) both_sides
            GROUP BY review_id ORDER BY review_id
        LOOP
            UPDATE reviews SET helpful = helpful + change.up, unhelpful = unhelpful + change.down
            WHERE id = change.review_id AND (change.up, change.down) <> (0, 0);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER review_votes_count_new AFTER INSERT ON review_votes
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_votes();
CREATE TRIGGER review_votes_count_changed AFTER UPDATE ON review_votes
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_votes();
CREATE TRIGGER review_votes_count_gone AFTER DELETE ON review_votes
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_votes();

-- Whether a buyer has written of none of the books of an order. Whoever writes a review holds its writer until it is there, and
-- so does this: then, since it is VOLATILE, it looks anew, also within a statement that began before.
CREATE FUNCTION has_reviewed_none(buyer uuid, bought uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    PERFORM FROM users WHERE id = buyer FOR NO KEY UPDATE;
    RETURN NOT EXISTS (SELECT FROM order_lines l JOIN reviews r ON r.product_id = l.product_id
                       WHERE l.order_id = bought AND r.user_id = buyer);
END
$$;

CREATE TABLE favourites (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    product_id uuid NOT NULL REFERENCES products,
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (user_id, product_id)
);
CREATE INDEX favourites_added_idx ON favourites (user_id, added_at, product_id);
CREATE INDEX favourites_product_idx ON favourites (product_id);
