-- How often each book was looked at, written behind the readers by every process in batches.

CREATE TABLE product_views (
    product_id uuid NOT NULL REFERENCES products ON DELETE CASCADE,
    day        date NOT NULL,
    views      bigint NOT NULL CHECK (views > 0),
    PRIMARY KEY (product_id, day)
-- A row is counted up many times on its day: with room on its page that touches no index.
) WITH (fillfactor = 70);

-- The batches that were counted. One whose COMMIT was not answered is sent once more under its old id, and is found here.
CREATE TABLE view_batches (
    id         uuid PRIMARY KEY,
    counted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX view_batches_counted_idx ON view_batches (counted_at);
