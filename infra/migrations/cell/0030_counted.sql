-- Pages that cost the same however much a seller has: what was counted at every look is kept as it
-- changes, and each filter has an index that holds its order.
SET ROLE {owner};

CREATE TABLE {cell}.binding_counts (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    by_status jsonb NOT NULL,
    PRIMARY KEY (generation, seller_id)
);
CREATE VIEW {cell}.live_binding_counts WITH (security_invoker = true) AS
    SELECT seller_id, by_status
    FROM {cell}.binding_counts
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'bindings'
    );

CREATE TABLE {cell}.binding_codes (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    code text NOT NULL,
    seller_id uuid NOT NULL,
    status text NOT NULL,
    position bigint NOT NULL,
    is_held boolean NOT NULL,
    PRIMARY KEY (generation, binding_id, code)
);
CREATE VIEW {cell}.live_binding_codes WITH (security_invoker = true) AS
    SELECT binding_id, code, seller_id, status, position, is_held
    FROM {cell}.binding_codes
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'bindings'
    );

CREATE TABLE {cell}.health_totals (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    figures jsonb NOT NULL,
    PRIMARY KEY (generation, seller_id)
);
CREATE VIEW {cell}.live_health_totals WITH (security_invoker = true) AS
    SELECT seller_id, figures
    FROM {cell}.health_totals
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'health_score'
    );

CREATE TABLE {cell}.health_codes (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    code text NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    changed_at timestamptz NOT NULL,
    is_held boolean NOT NULL,
    PRIMARY KEY (generation, binding_id, code)
);
CREATE VIEW {cell}.live_health_codes WITH (security_invoker = true) AS
    SELECT binding_id, code, seller_id, asin, changed_at, is_held
    FROM {cell}.health_codes
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'health_score'
    );

CREATE INDEX ON {cell}.binding_codes (generation, seller_id, code, position DESC) WHERE is_held;
CREATE INDEX ON {cell}.health_codes (generation, seller_id, code, changed_at DESC, asin)
    WHERE is_held;
CREATE INDEX ON {cell}.bindings (generation, seller_id, status, position DESC);
CREATE INDEX ON {cell}.bindings (generation, seller_id, position DESC) WHERE is_in_review;
DROP INDEX {cell}.health_bindings_generation_seller_id_status_idx;

DROP INDEX {cell}.stock_watched_generation_seller_id_raised_position_idx;
CREATE INDEX ON {cell}.stock_watched (generation, seller_id, raised_position DESC, reason)
    WHERE reason IS NOT NULL;

-- An index that holds the last filters too answers them without the rows that do not fit.
DROP INDEX {cell}.sync_log_generation_seller_id_time_idx;
CREATE INDEX ON {cell}.sync_log (generation, seller_id, time DESC, position DESC, number DESC);
DROP INDEX {cell}.sync_log_generation_seller_id_binding_id_position_idx;
CREATE INDEX ON {cell}.sync_log (generation, seller_id, asin, position DESC, number DESC);
DROP INDEX {cell}.sync_log_generation_seller_id_error_code_position_idx;
CREATE INDEX ON {cell}.sync_log
    (generation, seller_id, error_code, position DESC, number DESC, outcome, time)
    WHERE error_code IS NOT NULL;
DROP INDEX {cell}.sync_log_generation_seller_id_position_number_idx1;
CREATE INDEX ON {cell}.sync_log
    (generation, seller_id, position DESC, number DESC, outcome, time, error_code)
    WHERE outcome IN ('failed', 'retrying');

DROP INDEX {cell}.audit_trail_generation_seller_id_recorded_at_idx;
CREATE INDEX ON {cell}.audit_trail (generation, seller_id, recorded_at DESC, position DESC);
DROP INDEX {cell}.audit_trail_generation_seller_id_type_position_idx;
CREATE INDEX ON {cell}.audit_trail (generation, seller_id, type, position DESC, actor, recorded_at);

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'binding_counts', 'binding_codes', 'health_totals', 'health_codes'
    ] LOOP
        EXECUTE format('ALTER TABLE {cell}.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE {cell}.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_seller ON {cell}.%I FOR SELECT TO {reader}, {writer}'
            ' USING (seller_id = nullif(current_setting(''app.seller'', true), '''')::uuid)', name);
        EXECUTE format(
            'CREATE POLICY every_seller ON {cell}.%I FOR ALL TO {projector}, {migrator}'
            ' USING (true) WITH CHECK (true)', name);
        EXECUTE format(
            'CREATE POLICY audit ON {cell}.%I FOR SELECT TO {auditor_sql} USING (true)', name);
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON {cell}.%I TO {projector}', name);
        EXECUTE format(
            'GRANT SELECT ON {cell}.%I, {cell}.%I TO {reader}, {auditor_sql}, {projector}',
            name, 'live_' || name);
    END LOOP;
END
$body$;

RESET ROLE;

-- The views that are live now go on from what they hold; their new versions are folded beside.
-- Only a role that sees every seller can count.
SET ROLE {projector};
INSERT INTO {cell}.binding_counts
    SELECT generation, seller_id, jsonb_object_agg(status, bindings)
    FROM (
        SELECT generation, seller_id, status, count(*) AS bindings
        FROM {cell}.bindings GROUP BY generation, seller_id, status
    ) AS counted
    GROUP BY generation, seller_id;
INSERT INTO {cell}.binding_codes
    SELECT DISTINCT generation, binding_id, code, seller_id, status, position, true
    FROM {cell}.bindings, jsonb_array_elements_text(error_codes) AS code
    WHERE jsonb_typeof(error_codes) = 'array';
INSERT INTO {cell}.health_codes
    SELECT DISTINCT generation, binding_id, code, seller_id, asin, changed_at, true
    FROM {cell}.health_bindings, jsonb_array_elements_text(codes) AS code
    WHERE jsonb_typeof(codes) = 'array' AND status <> 'withdrawn' AND code NOT LIKE 'W-%';
INSERT INTO {cell}.health_totals
    WITH compared AS (
        SELECT generation, seller_id, shown_price_jpy - expected_price_jpy AS difference,
               expected_price_jpy AS expected
        FROM {cell}.health_bindings
        WHERE status = 'listed' AND shown_price_jpy IS NOT NULL AND expected_price_jpy > 0
    ), figures AS (
        SELECT generation, seller_id, 'status ' || status AS name, count(*) AS figure
        FROM {cell}.health_bindings GROUP BY 1, 2, 3
        UNION ALL
        SELECT generation, seller_id, 'code ' || code, count(*)
        FROM {cell}.health_codes GROUP BY 1, 2, 3
        UNION ALL
        SELECT generation, seller_id, 'half_pct '
               || sign(difference)::int * ((400 * abs(difference) + expected) / (2 * expected)),
               count(*)
        FROM compared GROUP BY 1, 2, 3
        UNION ALL
        SELECT generation, seller_id, unnest(ARRAY['compared', 'deviation_ppb']),
               unnest(ARRAY[count(*), sum(
                   (2000000000 * abs(difference) + expected) / (2 * expected))::bigint])
        FROM compared GROUP BY 1, 2
        UNION ALL
        SELECT generation, seller_id, unnest(ARRAY['inspected', 'compliant', 'deviating']),
               unnest(ARRAY[
                   count(*) FILTER (WHERE image_verdict IS NOT NULL),
                   count(*) FILTER (WHERE image_verdict = 'pass'),
                   count(*) FILTER (WHERE shown_price_jpy <> expected_price_jpy)])
        FROM {cell}.health_bindings WHERE status = 'listed' GROUP BY 1, 2
    )
    SELECT generation, seller_id, jsonb_object_agg(name, figure)
    FROM figures WHERE figure <> 0 GROUP BY generation, seller_id;

RESET ROLE;
