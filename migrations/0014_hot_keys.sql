-- How often the most read keys of the cache were read lately, over all processes: what a process that starts reads ahead.
-- Only keys that are the same for everybody come here, and only those that many readers asked for.

CREATE TABLE hot_keys (
    key        text PRIMARY KEY CHECK (octet_length(key) BETWEEN 1 AND 1024),
    -- About how many reads, each halved with time, as of counted_at.
    heat       double precision NOT NULL CHECK (heat > 0),
    counted_at timestamptz NOT NULL
);
