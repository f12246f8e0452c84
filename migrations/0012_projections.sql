-- Who else follows the outbox: deliveries of webhooks were the first, tables that are derived from events come to them.

CREATE TABLE outbox_places (
    reader text PRIMARY KEY,
    -- Everything of transactions before this one was read.
    place  xid8 NOT NULL,
    -- What a reader that began by counting everything had seen then: of that nothing is read once more, though it may lie
    -- behind the place.
    seen   pg_snapshot
);
INSERT INTO outbox_places (reader, place) SELECT 'webhooks', place FROM webhook_dispatch;
DROP TABLE webhook_dispatch;

-- Leaderboards: how many copies of a book were sold, how it was rated and how often, and how much somebody has written, in
-- each day, week (from Monday) and month in UTC and in all. Everything here can be counted again from orders and reviews.
CREATE TABLE leaderboard_scores (
    board     text NOT NULL CHECK (board IN ('best_sellers', 'top_rated', 'most_reviewed', 'top_reviewers')),
    period    text NOT NULL CHECK (period IN ('day', 'week', 'month', 'all')),
    -- The first day of the window; 1970-01-01 for all.
    starts_on date NOT NULL,
    -- A book, or a person. Without a reference: events about what is gone may still be on their way.
    member    uuid NOT NULL,
    -- Copies, ratings or reviews. Below zero for a moment, where the end of something was read before its beginning.
    count     bigint NOT NULL,
    -- The stars of all ratings.
    stars     bigint NOT NULL,
    -- By this the members stand, the smallest first, and those with the same one by their ids: so one index gives pages in
    -- one direction, as a sorted set of Redis does. Fifty imagined ratings of 3.8 stars keep one vote from the top.
    key       double precision NOT NULL GENERATED ALWAYS AS (
                  CASE WHEN count <= 0 THEN 0
                       WHEN board = 'top_rated' THEN -((stars + 190)::double precision / (count + 50)::double precision)
                       ELSE -count END) STORED,
    PRIMARY KEY (board, period, starts_on, member)
);
CREATE INDEX leaderboard_scores_order_idx ON leaderboard_scores (board, period, starts_on, key, member) WHERE count > 0;
CREATE INDEX leaderboard_scores_people_idx ON leaderboard_scores (member) WHERE board = 'top_reviewers';

-- Which transaction moved the scores last: what Redis has carries the same number, or is not what they are. Absent until
-- everything was counted for the first time.
CREATE TABLE leaderboard_state (
    single  boolean PRIMARY KEY DEFAULT true CHECK (single),
    version xid8
);
INSERT INTO leaderboard_state DEFAULT VALUES;
INSERT INTO outbox_places (reader, place) VALUES ('leaderboards', pg_snapshot_xmin(pg_current_snapshot()));
