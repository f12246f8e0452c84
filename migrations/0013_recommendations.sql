-- What readers like, and which books they share.

-- What people did that tells what they like, or do not. Whoever counts tastes counts these.
CREATE VIEW taste_sources AS
    SELECT o.user_id, l.product_id, 'bought' AS kind, o.placed_at AS at
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    WHERE o.user_id IS NOT NULL AND o.state IN ('paid', 'shipped', 'delivered')
    UNION ALL
    SELECT user_id, product_id, 'favourite', added_at FROM favourites
    UNION ALL
    SELECT user_id, product_id, CASE WHEN rating >= 4 THEN 'liked' ELSE 'disliked' END, created_at
    FROM reviews
    WHERE user_id IS NOT NULL AND NOT hidden AND rating <> 3;

-- The books that people bought, keep in mind or rated well, but for those that they rated badly. Derived by following the
-- outbox; a closed account takes its own along.
CREATE TABLE tastes (
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    product_id   uuid NOT NULL REFERENCES products,
    bought_at    timestamptz,
    favourite_at timestamptz,
    liked_at     timestamptz,
    latest       timestamptz NOT NULL GENERATED ALWAYS AS (greatest(bought_at, favourite_at, liked_at)) STORED,
    PRIMARY KEY (user_id, product_id)
);
-- The latest books of a reader, and the latest readers of a book: bounded walks, without a look at the rows.
CREATE INDEX tastes_user_idx ON tastes (user_id, latest DESC, product_id);
CREATE INDEX tastes_product_idx ON tastes (product_id, latest DESC, user_id);

-- When the neighbours of a book are to be computed, and from what they were.
CREATE TABLE neighbour_lists (
    product_id uuid PRIMARY KEY REFERENCES products,
    -- How many people have it among their tastes. Not checked to be none at least: what is added to it comes by the same column.
    readers    integer NOT NULL,
    -- How often its readers or their books have changed.
    marks      bigint NOT NULL,
    -- How many of these changes its list has seen.
    counted    bigint NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX neighbour_lists_due_idx ON neighbour_lists (due_at);

-- Which books the readers of a book like, the nearest first.
CREATE TABLE book_neighbours (
    product_id   uuid NOT NULL REFERENCES products,
    place        smallint NOT NULL,
    neighbour_id uuid NOT NULL REFERENCES products,
    score        real NOT NULL,
    -- How many readers they share, of those that were looked at.
    together     integer NOT NULL CHECK (together > 0),
    PRIMARY KEY (product_id, place)
) WITH (fillfactor = 80);

-- A book that comes to somebody's books or leaves them changes its own neighbours and those of the others: of the latest
-- 200, which are as many as are looked at. Here and not in the program, so that a closed account is seen as well. In the
-- order of ids, so that two of these wait for each other in one direction.
CREATE FUNCTION mark_neighbours() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO neighbour_lists AS l (product_id, readers, marks, due_at)
    SELECT marked.product_id, sum(marked.readers), 1, now()
    FROM (SELECT product_id, count(*) * CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END AS readers
          FROM changed GROUP BY product_id
          UNION ALL
          SELECT others.product_id, 0
          FROM (SELECT DISTINCT user_id FROM changed) reader
          CROSS JOIN LATERAL (SELECT t.product_id FROM tastes t WHERE t.user_id = reader.user_id
                              ORDER BY t.latest DESC, t.product_id LIMIT 200) others) marked
    GROUP BY marked.product_id
    ORDER BY marked.product_id
    ON CONFLICT (product_id) DO UPDATE
    SET readers = l.readers + excluded.readers, marks = l.marks + 1, due_at = least(l.due_at, excluded.due_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER tastes_mark_new AFTER INSERT ON tastes
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_neighbours();
CREATE TRIGGER tastes_mark_gone AFTER DELETE ON tastes
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_neighbours();

-- What was bought and kept before is counted here; events from before that are counted again give the same.
INSERT INTO outbox_places (reader, place) SELECT 'tastes', pg_snapshot_xmin(pg_current_snapshot());
INSERT INTO tastes (user_id, product_id, bought_at, favourite_at, liked_at)
SELECT user_id, product_id, max(at) FILTER (WHERE kind = 'bought'), max(at) FILTER (WHERE kind = 'favourite'),
       max(at) FILTER (WHERE kind = 'liked')
FROM taste_sources
GROUP BY user_id, product_id
HAVING NOT bool_or(kind = 'disliked');
