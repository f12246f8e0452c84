WITH counted AS (
    -- An order belongs to the day on which it was paid for, as long as it is not given back.
    SELECT 'best_sellers' AS board, l.product_id AS member, h.occurred_at AS at, l.quantity AS count, 0 AS stars
    FROM orders o
    JOIN order_history h ON h.order_id = o.id AND h.state = 'paid'
    JOIN order_lines l ON l.order_id = o.id
    WHERE o.state IN ('paid', 'shipped', 'delivered')
    UNION ALL
    SELECT 'top_rated', product_id, created_at, 1, rating FROM reviews WHERE NOT hidden
    UNION ALL
    SELECT 'most_reviewed', product_id, created_at, 1, 0 FROM reviews WHERE NOT hidden
    UNION ALL
    SELECT 'top_reviewers', user_id, created_at, 1, 0 FROM reviews WHERE NOT hidden AND user_id IS NOT NULL
), written AS (
    INSERT INTO leaderboard_scores (board, period, starts_on, member, count, stars)
    SELECT c.board, w.period, w.starts_on, c.member, sum(c.count), sum(c.stars)
    FROM counted c
    CROSS JOIN LATERAL (VALUES
        ('day', date_trunc('day', c.at AT TIME ZONE 'UTC')::date),
        ('week', date_trunc('week', c.at AT TIME ZONE 'UTC')::date),
        ('month', date_trunc('month', c.at AT TIME ZONE 'UTC')::date),
        ('all', '1970-01-01'::date)) AS w (period, starts_on)
    GROUP BY c.board, w.period, w.starts_on, c.member
)
UPDATE outbox_places SET place = pg_snapshot_xmin(pg_current_snapshot()), seen = pg_current_snapshot()
WHERE reader = 'leaderboards'
