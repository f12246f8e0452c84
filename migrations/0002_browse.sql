-- Browsing: the filters of every list, an index for every sort, full text, and the vocabulary that misspelt words are
-- compared with.

CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

-- English stems without stop words: "It" is a novel. The stop words of longer queries are dropped where the query is
-- parsed.
CREATE TEXT SEARCH DICTIONARY book_stem (TEMPLATE = pg_catalog.snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION book (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION book
    ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part, numword, numhword, hword_numpart
    WITH unaccent, book_stem;
-- The words as they are written, without accents.
CREATE TEXT SEARCH CONFIGURATION book_words (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION book_words
    ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part, numword, numhword, hword_numpart
    WITH unaccent, simple;

-- Without these marks the parser sees neither addresses ("and/or") nor negative numbers ("Catch-22"): a text has the
-- words that the parser of queries finds in the same text. It takes other punctuation for space by itself.
CREATE FUNCTION plain_words(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT translate(value, './-@<&+_~', '         ') $$;

-- to_tsvector() with a named configuration depends on that configuration alone, which only a migration changes.
CREATE FUNCTION book_search(
    title text, subtitle text, authors text[], series text, publisher text, genres text[], subjects text[],
    description text
) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT setweight(to_tsvector('public.book', public.plain_words(title)), 'A')
        || setweight(to_tsvector('public.book', public.plain_words(array_to_string(authors, ' '))), 'B')
        || setweight(to_tsvector('public.book', public.plain_words(concat_ws(' ', series, subtitle))), 'C')
        || setweight(to_tsvector('public.book', public.plain_words(concat_ws(' ', array_to_string(genres, ' '),
               array_to_string(subjects, ' '), publisher, description))), 'D')
    $$;

-- What is sorted and compared is cut to 200 characters: an index entry has a largest size.
ALTER TABLE products
    ADD COLUMN title_sort    text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(fold(title), 200)) STORED,
    ADD COLUMN series_key    text COLLATE "C" GENERATED ALWAYS AS (left(fold(series), 200)) STORED,
    ADD COLUMN publisher_key text COLLATE "C" GENERATED ALWAYS AS (left(fold(publisher), 200)) STORED,
    ADD COLUMN search        tsvector NOT NULL GENERATED ALWAYS AS
        (book_search(title, subtitle, authors, series, publisher, genres, subjects, description)) STORED;

-- The more words the planner knows the frequency of, the better it chooses between "books with this word" and "popular
-- books first".
ALTER TABLE products ALTER COLUMN search SET STATISTICS 1000, ALTER COLUMN genres SET STATISTICS 500,
    ALTER COLUMN author_keys SET STATISTICS 500;

-- One index a sort. Key and id run in the same direction, so that a page starts with one comparison of rows; what has
-- no price or date is given one beyond all others, so that it comes last in both directions.
-- The default sort also carries what facets count, so that they are counted without a look at the wide rows.
CREATE INDEX products_popularity_idx ON products (popularity, id)
    INCLUDE (genres, format, language, price_amount, rating_average, published) WHERE status = 'active';
CREATE INDEX products_newest_idx ON products (created_at, id) WHERE status = 'active';
CREATE INDEX products_published_asc_idx ON products ((coalesce(published, 'infinity'::date)), id)
    WHERE status = 'active';
CREATE INDEX products_published_desc_idx ON products ((coalesce(published, '-infinity'::date)), id)
    WHERE status = 'active';
-- Prices go with formats and genres: the cheapest books may all be of another one. So here, too, the filters are looked at
-- without the rows.
CREATE INDEX products_price_asc_idx ON products ((coalesce(price_amount, 9223372036854775807)), id)
    INCLUDE (genres, format, language, price_amount, rating_average, published) WHERE status = 'active';
CREATE INDEX products_price_desc_idx ON products ((coalesce(price_amount, -1)), id)
    INCLUDE (genres, format, language, price_amount, rating_average, published) WHERE status = 'active';
-- The planner does not look at the statistics of partial indexes, so those of their expressions are kept apart.
CREATE STATISTICS products_price_asc_stats ON (coalesce(price_amount, 9223372036854775807)) FROM products;
CREATE STATISTICS products_price_desc_stats ON (coalesce(price_amount, -1)) FROM products;
CREATE STATISTICS products_published_asc_stats ON (coalesce(published, 'infinity'::date)) FROM products;
CREATE STATISTICS products_published_desc_stats ON (coalesce(published, '-infinity'::date)) FROM products;
CREATE INDEX products_rating_idx ON products (rating_score, id) WHERE status = 'active';
CREATE INDEX products_title_idx ON products (title_sort, id) WHERE status = 'active';

-- Filters that can be so rare that walking along a sort would be long.
CREATE INDEX products_series_idx ON products (series_key, series_position, id) WHERE status = 'active';
CREATE INDEX products_publisher_idx ON products (publisher_key) WHERE status = 'active';
CREATE INDEX products_language_idx ON products (language text_pattern_ops) WHERE status = 'active';
CREATE INDEX products_rating_average_idx ON products (rating_average) WHERE status = 'active';
CREATE INDEX products_unlisted_idx ON products (status, id) WHERE status <> 'active';

-- No pending list: every search would have to read through it.
CREATE INDEX products_search_idx ON products USING gin (search) WITH (fastupdate = off);

-- The filters that every list shares; null means that one is not asked for. One SELECT in SQL: the planner takes the
-- function apart, so that an absent filter, column or the stock costs nothing, and a present one finds its index.
CREATE FUNCTION matching_products(
    wanted_status text, wanted_genres text[], wanted_author text, wanted_series text, wanted_publisher text,
    wanted_language text, wanted_formats text[], min_price bigint, max_price bigint, min_rating double precision,
    published_from date, published_to date, wanted_stock boolean, wanted_work uuid
) RETURNS TABLE (
    id uuid, work_id uuid, title text, subtitle text, series text, series_position double precision, authors text[],
    isbn13 text, language text, format text, publisher text, published date, published_precision text,
    description text, genres text[], cover_url text, price_amount bigint, price_currency text, status text,
    rating_average double precision, rating_count bigint, rating_histogram bigint[], rating_score double precision,
    popularity double precision, title_sort text, search tsvector, created_at timestamptz, updated_at timestamptz,
    available integer
)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT p.id, p.work_id, p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn13, p.language, p.format,
           p.publisher, p.published, p.published_precision, p.description, p.genres, p.cover_url, p.price_amount,
           p.price_currency, p.status, p.rating_average, p.rating_count, p.rating_histogram, p.rating_score,
           p.popularity, p.title_sort, p.search, p.created_at, p.updated_at, coalesce(s.on_hand - s.reserved, 0)
    FROM products p LEFT JOIN stock s ON s.product_id = p.id
    WHERE p.status = wanted_status
      -- The planner multiplies the shares of several genres, but many exclude each other: following a sort in search of books
      -- that have both may lead through the whole of it. Told twice they look rare, and are looked up in their index.
      AND (wanted_genres IS NULL OR p.genres @> wanted_genres
           AND (cardinality(wanted_genres) < 2
                OR p.genres @> wanted_genres[1:1] AND p.genres @> wanted_genres[2:2]))
      AND (wanted_author IS NULL OR p.author_keys @> ARRAY[fold(wanted_author)])
      AND (wanted_series IS NULL OR p.series_key = left(fold(wanted_series), 200))
      AND (wanted_publisher IS NULL OR p.publisher_key = left(fold(wanted_publisher), 200))
      AND (wanted_language IS NULL OR p.language = wanted_language OR p.language LIKE wanted_language || '-%')
      AND (wanted_formats IS NULL OR p.format = ANY (wanted_formats))
      -- As the ascending indexes have it; lists in descending order tell their index themselves.
      AND (min_price IS NULL OR coalesce(p.price_amount, 9223372036854775807) >= min_price AND p.price_amount IS NOT NULL)
      AND (max_price IS NULL OR coalesce(p.price_amount, 9223372036854775807) <= max_price)
      AND (min_rating IS NULL OR p.rating_average >= min_rating)
      AND (published_from IS NULL OR coalesce(p.published, 'infinity'::date) >= published_from AND p.published IS NOT NULL)
      AND (published_to IS NULL OR coalesce(p.published, 'infinity'::date) <= published_to)
      AND (wanted_stock IS NULL OR wanted_stock = (coalesce(s.on_hand - s.reserved, 0) > 0))
      AND (wanted_work IS NULL OR p.work_id = wanted_work)
    $$;

-- The words of titles, names, series and genres, which misspelt words are compared with. It only grows: a word that no
-- book has any more is not suggested, since suggestions are looked up among the active books.
CREATE TABLE search_words (
    word text COLLATE "C" PRIMARY KEY
);
CREATE INDEX search_words_trigram_idx ON search_words USING gin (word gin_trgm_ops);

-- Most writes bring no new word and so write, and lock, nothing here. Those that do insert in the order of the words, so
-- that two of them wait for each other instead of deadlocking.
CREATE FUNCTION remember_words() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Not one condition: without an update there are no old rows that a condition could name.
    IF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (
            SELECT FROM new_rows n JOIN old_rows o ON o.id = n.id
            WHERE (n.title, n.subtitle, n.series, n.authors, n.genres)
                  IS DISTINCT FROM (o.title, o.subtitle, o.series, o.authors, o.genres)
        ) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO search_words (word)
    SELECT DISTINCT words.word
    FROM new_rows n
    CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector('public.book_words', plain_words(concat_ws(' ',
        n.title, n.subtitle, n.series, array_to_string(n.authors, ' '), array_to_string(n.genres, ' ')))))) AS words (word)
    WHERE char_length(words.word) BETWEEN 3 AND 40
      AND NOT EXISTS (SELECT FROM search_words known WHERE known.word = words.word)
    ORDER BY words.word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER products_remember_new_words AFTER INSERT ON products
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION remember_words();
CREATE TRIGGER products_remember_changed_words AFTER UPDATE ON products
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION remember_words();

-- Words that a misspelt one may have been: few letters differ, or it is the beginning of a word. Trigrams find the
-- candidates; the threshold lets two swapped letters in a word of six pass.
CREATE FUNCTION similar_words(misspelt text) RETURNS TABLE (word text, distance integer, likeness real)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET pg_trgm.similarity_threshold = 0.25
    AS $$
    SELECT candidates.word, candidates.distance, candidates.likeness
    FROM (SELECT w.word::text AS word, similarity(w.word, misspelt) AS likeness,
                 CASE WHEN starts_with(w.word, misspelt) THEN 1
                      ELSE levenshtein_less_equal(w.word, misspelt, 2) END AS distance
          FROM search_words w
          WHERE w.word % misspelt) candidates
    WHERE candidates.distance <= CASE WHEN char_length(misspelt) < 5 THEN 1 ELSE 2 END
    ORDER BY candidates.distance, candidates.likeness DESC, candidates.word
    LIMIT 8
    $$;
