-- Stock that explains itself: every change has a reason and a row in a ledger that always sums to the present value.

ALTER TABLE stock
    -- Counts the changes, without a gap: the place in the ledger, and the id by which streams resume.
    ADD COLUMN version  bigint NOT NULL DEFAULT 1,
    -- Of the last change, for the ledger to copy.
    ADD COLUMN reason   text NOT NULL DEFAULT 'opening' CHECK (reason IN (
        'opening', 'import', 'received', 'counted', 'damaged', 'lost', 'returned', 'correction',
        'reserved', 'released', 'shipped')),
    ADD COLUMN order_id uuid,
    ADD COLUMN actor_id uuid,
    ADD COLUMN note     text CHECK (char_length(note) BETWEEN 1 AND 500);

-- No foreign keys: the ledger outlives whatever it tells of.
CREATE TABLE stock_ledger (
    product_id      uuid NOT NULL,
    version         bigint NOT NULL,
    on_hand_change  integer NOT NULL,
    reserved_change integer NOT NULL,
    -- What the change left.
    on_hand         integer NOT NULL,
    reserved        integer NOT NULL,
    reason          text NOT NULL,
    order_id        uuid,
    actor_id        uuid,
    note            text,
    occurred_at     timestamptz NOT NULL,
    PRIMARY KEY (product_id, version)
);
CREATE INDEX stock_ledger_order_idx ON stock_ledger (order_id) WHERE order_id IS NOT NULL;

INSERT INTO stock_ledger
SELECT product_id, version, on_hand, reserved, on_hand, reserved, reason, NULL, NULL, NULL, updated_at FROM stock;

-- Whoever changes stock changes the ledger: there is no way around it. An update that does not count the version up finds
-- its place in the ledger taken, and fails.
CREATE FUNCTION keep_stock_ledger() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO stock_ledger (product_id, version, on_hand_change, reserved_change, on_hand, reserved, reason,
            order_id, actor_id, note, occurred_at)
        SELECT n.product_id, n.version, n.on_hand, n.reserved, n.on_hand, n.reserved, n.reason, n.order_id, n.actor_id,
            n.note, n.updated_at
        FROM new_rows n;
    ELSE
        INSERT INTO stock_ledger (product_id, version, on_hand_change, reserved_change, on_hand, reserved, reason,
            order_id, actor_id, note, occurred_at)
        SELECT n.product_id, n.version, n.on_hand - o.on_hand, n.reserved - o.reserved, n.on_hand, n.reserved, n.reason,
            n.order_id, n.actor_id, n.note, n.updated_at
        FROM new_rows n JOIN old_rows o ON o.product_id = n.product_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stock_ledger_of_new AFTER INSERT ON stock
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_stock_ledger();
CREATE TRIGGER stock_ledger_of_changed AFTER UPDATE ON stock
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_stock_ledger();

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER stock_ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
