//! The ledger of stock, held against the stock itself.

use sqlx::PgConnection;

/// Requires that the ledger of every book explains what there is of it: its changes add up to the present numbers, also row by
/// row, its versions have no gap, and nothing is below zero or reserved that is not there.
#[track_caller]
pub fn assert_ledger_balances(sql: &mut PgConnection) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let wrong: Vec<String> = sqlx::query_scalar(
            "WITH steps AS (
                 SELECT product_id, version, on_hand, reserved,
                        row_number() OVER w AS place,
                        sum(on_hand_change) OVER w AS on_hand_sum, sum(reserved_change) OVER w AS reserved_sum
                 FROM stock_ledger WINDOW w AS (PARTITION BY product_id ORDER BY version)
             ), wrong_steps AS (
                 SELECT format('%s: change %s of the ledger does not follow from those before it', product_id, version)
                 FROM steps
                 WHERE place <> version OR on_hand_sum <> on_hand OR reserved_sum <> reserved
                     OR NOT reserved BETWEEN 0 AND on_hand
             ), wrong_ends AS (
                 SELECT format('%s: %s on hand, %s reserved at version %s; the ledger ends with %s, %s, %s',
                     product_id, s.on_hand, s.reserved, s.version, l.on_hand, l.reserved, l.version)
                 FROM stock s LEFT JOIN LATERAL (
                     SELECT on_hand, reserved, version FROM stock_ledger l
                     WHERE l.product_id = s.product_id ORDER BY version DESC LIMIT 1
                 ) l ON true
                 WHERE (s.on_hand, s.reserved, s.version) IS DISTINCT FROM (l.on_hand, l.reserved, l.version)
             )
             SELECT * FROM wrong_steps UNION ALL SELECT * FROM wrong_ends LIMIT 20",
        )
        .fetch_all(sql)
        .await
        .unwrap();
        assert!(wrong.is_empty(), "the ledger does not balance ({caller}):\n{}", wrong.join("\n"));
    }
}
