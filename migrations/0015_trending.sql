-- What is looked at most in these days is summed over all books of a few days. The rows of a day stand together, since they
-- were written on that day: a summary of each range of pages finds them, and costs a look at a book nothing.

CREATE INDEX product_views_day_idx ON product_views USING brin (day) WITH (pages_per_range = 16, autosummarize = on);
