-- The catalogue, its stock, and the two records that every write leaves behind: outbox and audit log.

CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- unaccent() and array_to_string() are STABLE for reasons that do not touch text with a named dictionary;
-- generated columns and indexes need them IMMUTABLE.
CREATE FUNCTION fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, value)) $$;

CREATE FUNCTION fold_all(list text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT coalesce(array_agg(public.fold(entry) ORDER BY position), '{}')
          FROM unnest(list) WITH ORDINALITY AS entries (entry, position) $$;

CREATE TABLE genres (
    slug       text PRIMARY KEY CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Authors and genres are arrays on the book, not join tables: every read of a book wants all of them, in order,
-- and GIN indexes answer "books of this genre or author" with real element statistics for the planner.
CREATE TABLE products (
    id                        uuid PRIMARY KEY,
    work_id                   uuid NOT NULL,
    title                     text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 500),
    subtitle                  text CHECK (char_length(subtitle) BETWEEN 1 AND 500),
    series                    text CHECK (char_length(series) BETWEEN 1 AND 300),
    series_position           double precision CHECK (series_position >= 0),
    authors                   text[] NOT NULL CHECK (cardinality(authors) BETWEEN 1 AND 100),
    isbn10                    text CHECK (isbn10 ~ '^[0-9]{9}[0-9X]$'),
    isbn13                    text CHECK (isbn13 ~ '^97[89][0-9]{10}$'),
    language                  text CHECK (char_length(language) BETWEEN 2 AND 35),
    format                    text CHECK (format IN ('hardcover', 'paperback', 'ebook', 'audiobook')),
    publisher                 text CHECK (char_length(publisher) BETWEEN 1 AND 300),
    -- The first day of the year, month or day that published_precision says is known.
    published                 date,
    published_precision       text CHECK (published_precision IN ('year', 'month', 'day')),
    pages                     integer CHECK (pages BETWEEN 1 AND 100000),
    description               text CHECK (char_length(description) BETWEEN 1 AND 20000),
    genres                    text[] NOT NULL DEFAULT '{}',
    subjects                  text[] NOT NULL DEFAULT '{}',
    cover_url                 text CHECK (char_length(cover_url) BETWEEN 1 AND 2000),
    price_amount              bigint CHECK (price_amount >= 0),
    price_currency            text CHECK (price_currency ~ '^[A-Z]{3}$'),
    status                    text NOT NULL CHECK (status IN ('draft', 'active', 'retired')),
    rating_average            double precision NOT NULL DEFAULT 0 CHECK (rating_average BETWEEN 0 AND 5),
    rating_count              bigint NOT NULL DEFAULT 0 CHECK (rating_count >= 0),
    -- Ratings of one to five stars; absent where a source told the average alone.
    rating_histogram          bigint[] CHECK (cardinality(rating_histogram) = 5),
    imported_rating_average   double precision CHECK (imported_rating_average BETWEEN 0 AND 5),
    imported_rating_count     bigint CHECK (imported_rating_count >= 0),
    imported_rating_histogram bigint[] CHECK (cardinality(imported_rating_histogram) = 5),
    popularity                double precision NOT NULL DEFAULT 0 CHECK (popularity >= 0),
    -- Where an imported book comes from and what it is called there, so that a second import finds it again.
    source                    text,
    source_id                 text,
    version                   bigint NOT NULL DEFAULT 1,
    created_at                timestamptz NOT NULL,
    updated_at                timestamptz NOT NULL,

    -- A Bayesian average: fifty imagined ratings of 3.8 stars keep one five-star vote from the top of the list.
    rating_score double precision NOT NULL
        GENERATED ALWAYS AS ((rating_average * rating_count + 3.8 * 50) / (rating_count + 50)) STORED,
    title_key    text COLLATE "C" NOT NULL GENERATED ALWAYS AS (fold(title)) STORED,
    author_keys  text[] NOT NULL GENERATED ALWAYS AS (fold_all(authors)) STORED,

    CONSTRAINT products_published_whole CHECK ((published IS NULL) = (published_precision IS NULL)),
    CONSTRAINT products_price_whole CHECK ((price_amount IS NULL) = (price_currency IS NULL)),
    CONSTRAINT products_source_whole CHECK ((source IS NULL) = (source_id IS NULL)),
    CONSTRAINT products_series_whole CHECK (series IS NOT NULL OR series_position IS NULL)
);

CREATE UNIQUE INDEX products_isbn13_key ON products (isbn13) WHERE isbn13 IS NOT NULL;
CREATE UNIQUE INDEX products_isbn10_key ON products (isbn10) WHERE isbn10 IS NOT NULL;
CREATE UNIQUE INDEX products_source_key ON products (source, source_id) WHERE source IS NOT NULL;
CREATE INDEX products_work_idx ON products (work_id);
CREATE INDEX products_genres_idx ON products USING gin (genres);
CREATE INDEX products_authors_idx ON products USING gin (author_keys);

-- Stock moves with every sale and the book does not: apart, a sale neither rewrites the wide row nor its indexes.
CREATE TABLE stock (
    product_id uuid PRIMARY KEY REFERENCES products ON DELETE CASCADE,
    on_hand    integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
    reserved   integer NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND on_hand),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

-- Domain events, written by the transaction that caused them. Ids are taken before they commit, so they do not
-- commit in order: a reader takes unpublished rows, never "id > last".
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,
    payload      jsonb NOT NULL,
    occurred_at  timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX outbox_unpublished_idx ON outbox (id) WHERE published_at IS NULL;

-- What administrators did. Append-only; it outlives the account of the one who did it.
CREATE TABLE audit_log (
    id          uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    actor_id    uuid,
    action      text NOT NULL,
    resource    text NOT NULL,
    resource_id text,
    details     jsonb NOT NULL,
    request_id  text
);
CREATE INDEX audit_log_resource_idx ON audit_log (resource_id, id DESC);
