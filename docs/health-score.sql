-- The health score by SQL over the log alone, for auditors: one query a figure. The service folds
-- the same figures into views; these read the facts themselves (role auditor_sql).
--
--   psql "$ASIN_SYNC_AUDITOR_SQL_URL" -v cell=cell_1 -v seller=SELLER-UUID -v window='24 hours' \
--        -v now="2026-11-26T12:00:00Z" -f docs/health-score.sql
--
-- `window` is '24 hours' or '30 days'; attempts are counted in whole hours (UTC) by `decided_at`,
-- the running hour included. A figure is empty (null) where nothing was counted.

-- name: attempts
-- Attempts in the window: listings made and changed, failed tries, bindings read by sweeps.
SELECT coalesce(sum(CASE topic WHEN 'sync_sweep.finished' THEN (fact #>> '{tally,bindings}')::bigint
                               ELSE 1 END), 0)::bigint AS attempts
FROM :"cell".facts
WHERE seller_id = :'seller'
  AND topic IN ('asin_binding.listed', 'asin_binding.listing_confirmed',
                'asin_binding.attempt_failed', 'sync_sweep.finished')
  AND (fact #>> '{stamp,decided_at}')::timestamptz
      >= date_trunc('hour', :'now'::timestamptz - :'window'::interval + interval '1 hour', 'UTC');

-- name: failed
-- Attempts in the window that failed.
SELECT coalesce(sum(number), 0)::bigint AS failed
FROM :"cell".facts
CROSS JOIN LATERAL (
    SELECT 1 AS number WHERE topic = 'asin_binding.attempt_failed'
    UNION ALL
    SELECT value::bigint FROM jsonb_each_text(fact #> '{tally,counts_by_code}')
    WHERE topic = 'sync_sweep.finished' AND (fact #>> '{tally,bindings}')::bigint > 0
) AS failures
WHERE seller_id = :'seller'
  AND (fact #>> '{stamp,decided_at}')::timestamptz
      >= date_trunc('hour', :'now'::timestamptz - :'window'::interval + interval '1 hour', 'UTC');

-- name: hours
-- The hours of the window with attempts: how many, how many failed. From these come
--   sync_success_rate = (sum of attempts - sum of failed) / sum of attempts        target >= 0.992
--   failures_allowed  = floor(sum of attempts * (1 - 0.992)), failures_left = that - sum of failed
--   worst_hours       = those below the target, most failures first
SELECT date_trunc('hour', (fact #>> '{stamp,decided_at}')::timestamptz, 'UTC') AS hour,
       sum(counted.attempts)::bigint AS attempts, sum(counted.failed)::bigint AS failed
FROM :"cell".facts
CROSS JOIN LATERAL (
    SELECT 1 AS attempts, (topic = 'asin_binding.attempt_failed')::int AS failed
    WHERE topic IN ('asin_binding.listed', 'asin_binding.listing_confirmed',
                    'asin_binding.attempt_failed')
    UNION ALL
    SELECT (fact #>> '{tally,bindings}')::bigint,
           (SELECT coalesce(sum(value::bigint), 0)
            FROM jsonb_each_text(fact #> '{tally,counts_by_code}'))
    WHERE topic = 'sync_sweep.finished' AND (fact #>> '{tally,bindings}')::bigint > 0
) AS counted
WHERE seller_id = :'seller'
  AND (fact #>> '{stamp,decided_at}')::timestamptz
      >= date_trunc('hour', :'now'::timestamptz - :'window'::interval + interval '1 hour', 'UTC')
GROUP BY 1 ORDER BY 1;

-- name: sync_success_rate
-- Attempts that succeeded / attempts. Target: at least 0.992.
SELECT (sum(counted.attempts) - sum(counted.failed)) / nullif(sum(counted.attempts), 0)
       AS sync_success_rate
FROM :"cell".facts
CROSS JOIN LATERAL (
    SELECT 1 AS attempts, (topic = 'asin_binding.attempt_failed')::int AS failed
    WHERE topic IN ('asin_binding.listed', 'asin_binding.listing_confirmed',
                    'asin_binding.attempt_failed')
    UNION ALL
    SELECT (fact #>> '{tally,bindings}')::bigint,
           (SELECT coalesce(sum(value::bigint), 0)
            FROM jsonb_each_text(fact #> '{tally,counts_by_code}'))
    WHERE topic = 'sync_sweep.finished' AND (fact #>> '{tally,bindings}')::bigint > 0
) AS counted
WHERE seller_id = :'seller'
  AND (fact #>> '{stamp,decided_at}')::timestamptz
      >= date_trunc('hour', :'now'::timestamptz - :'window'::interval + interval '1 hour', 'UTC');

-- name: statuses
-- How many bindings stand in each status now; the last fact that changes the status tells it.
WITH last AS (
    SELECT DISTINCT ON (originator_id) originator_id, CASE topic
        WHEN 'asin_binding.mapping_broken' THEN 'unmapped'
        WHEN 'asin_binding.reinstated' THEN
            CASE WHEN (fact ->> 'is_listed')::boolean THEN 'listed' ELSE 'mapped' END
        ELSE split_part(topic, '.', 2) END AS status
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND topic IN ('asin_binding.requested', 'asin_binding.validated', 'asin_binding.rejected',
                    'asin_binding.mapped', 'asin_binding.mapping_broken', 'asin_binding.listed',
                    'asin_binding.suspended', 'asin_binding.reinstated', 'asin_binding.blocked',
                    'asin_binding.withdrawn')
    ORDER BY originator_id, version DESC
)
SELECT status, count(*) AS bindings FROM last GROUP BY status ORDER BY status;

-- name: price_deviation_rate
-- Over live listings: the mean of |shown - decided| / decided (target: at most 0.035), the share
-- that deviates at all, and how many listings there are.
WITH statuses AS (
    SELECT DISTINCT ON (originator_id) originator_id,
           topic = 'asin_binding.listed'
           OR topic = 'asin_binding.reinstated' AND (fact ->> 'is_listed')::boolean AS is_live
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND topic IN ('asin_binding.requested', 'asin_binding.validated', 'asin_binding.rejected',
                    'asin_binding.mapped', 'asin_binding.mapping_broken', 'asin_binding.listed',
                    'asin_binding.suspended', 'asin_binding.reinstated', 'asin_binding.blocked',
                    'asin_binding.withdrawn')
    ORDER BY originator_id, version DESC
), decided AS (
    SELECT DISTINCT ON (originator_id) originator_id,
           coalesce(fact ->> 'to_price_jpy', fact ->> 'price_jpy')::numeric AS price_jpy
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND topic IN ('asin_binding.validated', 'asin_binding.terms_changed',
                    'asin_binding.price_adjusted', 'asin_binding.drift_found')
    ORDER BY originator_id, version DESC
), shown AS (
    SELECT DISTINCT ON (originator_id) originator_id,
           (fact #>> '{listing,price_jpy}')::numeric AS price_jpy
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND (topic IN ('asin_binding.listed', 'asin_binding.listing_confirmed')
           OR topic = 'asin_binding.drift_found' AND jsonb_typeof(fact -> 'listing') = 'object')
    ORDER BY originator_id, version DESC
)
SELECT avg(abs(shown.price_jpy - decided.price_jpy) / decided.price_jpy)
           FILTER (WHERE decided.price_jpy > 0) AS price_deviation_rate,
       count(*) FILTER (WHERE shown.price_jpy <> decided.price_jpy)::numeric
           / nullif(count(*), 0) AS price_deviating_share,
       count(*) AS listings
FROM statuses LEFT JOIN decided USING (originator_id) LEFT JOIN shown USING (originator_id)
WHERE is_live;

-- name: image_compliance_rate
-- Live listings whose latest image verdict is a pass / live listings. Target: 1. Null where no
-- image of a live listing was ever inspected.
WITH statuses AS (
    SELECT DISTINCT ON (originator_id) originator_id,
           topic = 'asin_binding.listed'
           OR topic = 'asin_binding.reinstated' AND (fact ->> 'is_listed')::boolean AS is_live
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND topic IN ('asin_binding.requested', 'asin_binding.validated', 'asin_binding.rejected',
                    'asin_binding.mapped', 'asin_binding.mapping_broken', 'asin_binding.listed',
                    'asin_binding.suspended', 'asin_binding.reinstated', 'asin_binding.blocked',
                    'asin_binding.withdrawn')
    ORDER BY originator_id, version DESC
), verdicts AS (
    SELECT DISTINCT ON (originator_id) originator_id,
           CASE topic WHEN 'asin_binding.validated' THEN fact ->> 'image_verdict'
                      ELSE fact ->> 'verdict' END AS verdict
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND topic IN ('asin_binding.validated', 'asin_binding.image_judged')
    ORDER BY originator_id, version DESC
)
SELECT CASE WHEN count(verdict) > 0
            THEN count(*) FILTER (WHERE verdict = 'pass')::numeric / count(*)
       END AS image_compliance_rate,
       count(verdict) AS images_inspected,
       count(*) FILTER (WHERE verdict = 'pass') AS images_compliant
FROM statuses LEFT JOIN verdicts USING (originator_id)
WHERE is_live;

-- name: failing
-- What is failing: by code, the attempts of the window that failed with it, and the bindings that it
-- holds now. Withdrawn bindings and warnings are left out.
WITH failures AS (
    SELECT code, sum(number)::bigint AS failures
    FROM :"cell".facts
    CROSS JOIN LATERAL (
        SELECT fact ->> 'code' AS code, 1 AS number WHERE topic = 'asin_binding.attempt_failed'
        UNION ALL
        SELECT key, value::bigint FROM jsonb_each_text(fact #> '{tally,counts_by_code}')
        WHERE topic = 'sync_sweep.finished' AND (fact #>> '{tally,bindings}')::bigint > 0
    ) AS each
    WHERE seller_id = :'seller'
      AND (fact #>> '{stamp,decided_at}')::timestamptz
          >= date_trunc('hour', :'now'::timestamptz - :'window'::interval + interval '1 hour',
                        'UTC')
    GROUP BY code
), held AS (
    SELECT DISTINCT ON (originator_id) originator_id, CASE
        WHEN topic IN ('asin_binding.rejected', 'asin_binding.review_requested')
            THEN (SELECT jsonb_agg(DISTINCT found -> 'code')
                  FROM jsonb_array_elements(fact -> 'findings') AS found)
        WHEN topic = 'asin_binding.mapping_broken'
            THEN jsonb_build_array(fact #> '{finding,code}')
        WHEN topic IN ('asin_binding.suspended', 'asin_binding.blocked',
                       'asin_binding.attempt_failed')
            THEN jsonb_build_array(fact -> 'code')
        END AS codes
    FROM :"cell".facts
    WHERE seller_id = :'seller'
      AND (topic IN ('asin_binding.requested', 'asin_binding.rejected',
                     'asin_binding.review_requested', 'asin_binding.mapped',
                     'asin_binding.listed', 'asin_binding.stock_adjusted',
                     'asin_binding.mapping_broken', 'asin_binding.suspended',
                     'asin_binding.blocked', 'asin_binding.reinstated', 'asin_binding.withdrawn')
           OR topic = 'asin_binding.listing_confirmed' AND fact ->> 'effect' = 'update'
           OR topic = 'asin_binding.attempt_failed' AND fact ->> 'operation' <> 'take_down')
    ORDER BY originator_id, version DESC
), withdrawn AS (
    SELECT originator_id FROM (
        SELECT DISTINCT ON (originator_id) originator_id, topic
        FROM :"cell".facts
        WHERE seller_id = :'seller'
          AND topic IN ('asin_binding.requested', 'asin_binding.withdrawn')
        ORDER BY originator_id, version DESC
    ) AS last WHERE topic = 'asin_binding.withdrawn'
), holding AS (
    SELECT code, count(*) AS bindings
    FROM held CROSS JOIN LATERAL jsonb_array_elements_text(held.codes) AS code
    WHERE code NOT LIKE 'W-%' AND originator_id NOT IN (SELECT originator_id FROM withdrawn)
    GROUP BY code
)
SELECT code, coalesce(failures, 0) AS failures, coalesce(bindings, 0) AS bindings
FROM failures FULL JOIN holding USING (code)
ORDER BY bindings DESC, failures DESC, code;
