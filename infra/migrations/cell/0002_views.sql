-- The views of one cell. Every row belongs to a generation: a rebuild fills the next one beside the
-- live one and swaps by one UPDATE. Readers use the live_* views, which show the live generation.
SET ROLE {owner};

CREATE TABLE {cell}.projections (
    name text PRIMARY KEY,
    live_generation integer NOT NULL
);

-- Where each generation of each projection stands; `error` says why a stopped one stopped.
CREATE TABLE {cell}.projection_positions (
    name text NOT NULL,
    generation integer NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    error text,
    stopped_at_position bigint,
    PRIMARY KEY (name, generation)
);

CREATE TABLE {cell}.bindings (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    status text NOT NULL,
    mercari_category_id text NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    sku text,
    title text,
    image_url text,
    listing_id text,
    price_jpy bigint,
    amazon_price_jpy bigint,
    float_pct double precision,
    stock bigint,
    amazon_quantity bigint,
    stock_threshold bigint NOT NULL,
    match_rate double precision,
    shown_price_jpy bigint,
    shown_stock bigint,
    is_on_sale boolean NOT NULL,
    observed_at timestamptz,
    submission_id uuid,
    category_path jsonb,
    browse_path jsonb,
    error_codes jsonb,
    warning_codes jsonb,
    findings jsonb,
    PRIMARY KEY (generation, binding_id)
);
CREATE INDEX ON {cell}.bindings (generation, seller_id, position DESC);
CREATE INDEX ON {cell}.bindings (generation, seller_id, asin);
CREATE VIEW {cell}.live_bindings WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin, status, mercari_category_id, version, position, updated_at, created_at, sku, title, image_url, listing_id, price_jpy, amazon_price_jpy, float_pct, stock, amazon_quantity, stock_threshold, match_rate, shown_price_jpy, shown_stock, is_on_sale, observed_at, submission_id, category_path, browse_path, error_codes, warning_codes, findings
    FROM {cell}.bindings
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'bindings'
    );

CREATE TABLE {cell}.effects (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    version bigint NOT NULL,
    effect text,
    urgency bigint,
    not_before timestamptz,
    is_mapped boolean NOT NULL,
    wants_on_sale boolean NOT NULL,
    wanted_price_jpy bigint,
    wanted_stock bigint,
    wanted_title text,
    has_listing boolean NOT NULL,
    shows_on_sale boolean NOT NULL,
    shown_price_jpy bigint,
    shown_stock bigint,
    shown_title text,
    PRIMARY KEY (generation, binding_id)
);
CREATE INDEX ON {cell}.effects (generation, seller_id, urgency) WHERE effect IS NOT NULL;
CREATE VIEW {cell}.live_effects WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, version, effect, urgency, not_before, is_mapped, wants_on_sale, wanted_price_jpy, wanted_stock, wanted_title, has_listing, shows_on_sale, shown_price_jpy, shown_stock, shown_title
    FROM {cell}.effects
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'effects'
    );

CREATE TABLE {cell}.sync_log (
    generation integer NOT NULL,
    position bigint NOT NULL,
    number bigint NOT NULL,
    time timestamptz NOT NULL,
    seller_id uuid NOT NULL,
    operation text NOT NULL,
    outcome text NOT NULL,
    asin text,
    binding_id uuid,
    error_code text,
    detail jsonb NOT NULL,
    correlation_id uuid NOT NULL,
    PRIMARY KEY (generation, position, number)
);
CREATE INDEX ON {cell}.sync_log (generation, seller_id, position DESC, number DESC);
CREATE INDEX ON {cell}.sync_log (generation, seller_id, binding_id, position DESC);
CREATE INDEX ON {cell}.sync_log (generation, seller_id, error_code, position DESC);
CREATE VIEW {cell}.live_sync_log WITH (security_invoker = true) AS
    SELECT position, number, time, seller_id, operation, outcome, asin, binding_id, error_code, detail, correlation_id
    FROM {cell}.sync_log
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'sync_log'
    );

CREATE TABLE {cell}.sync_log_asins (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    PRIMARY KEY (generation, binding_id)
);
CREATE VIEW {cell}.live_sync_log_asins WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin
    FROM {cell}.sync_log_asins
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'sync_log'
    );

CREATE TABLE {cell}.health_hours (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    attempts bigint NOT NULL,
    failed bigint NOT NULL,
    codes jsonb NOT NULL,
    PRIMARY KEY (generation, seller_id, hour)
);
CREATE VIEW {cell}.live_health_hours WITH (security_invoker = true) AS
    SELECT seller_id, hour, attempts, failed, codes
    FROM {cell}.health_hours
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'health_score'
    );

CREATE TABLE {cell}.health_bindings (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    title text,
    status text NOT NULL,
    float_rate numeric,
    amazon_price_jpy bigint,
    expected_price_jpy bigint,
    shown_price_jpy bigint,
    amazon_quantity bigint,
    shown_stock bigint,
    stock_threshold bigint NOT NULL,
    image_verdict text,
    codes jsonb,
    changed_at timestamptz,
    PRIMARY KEY (generation, binding_id)
);
CREATE INDEX ON {cell}.health_bindings (generation, seller_id, status);
CREATE VIEW {cell}.live_health_bindings WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin, title, status, float_rate, amazon_price_jpy, expected_price_jpy, shown_price_jpy, amazon_quantity, shown_stock, stock_threshold, image_verdict, codes, changed_at
    FROM {cell}.health_bindings
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'health_score'
    );

CREATE TABLE {cell}.audit_trail (
    generation integer NOT NULL,
    position bigint NOT NULL,
    seller_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    observed_at timestamptz,
    type text NOT NULL,
    subject uuid NOT NULL,
    version bigint NOT NULL,
    actor text NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    policy text NOT NULL,
    PRIMARY KEY (generation, position)
);
CREATE INDEX ON {cell}.audit_trail (generation, seller_id, position DESC);
CREATE INDEX ON {cell}.audit_trail (generation, seller_id, subject, position DESC);
CREATE VIEW {cell}.live_audit_trail WITH (security_invoker = true) AS
    SELECT position, seller_id, recorded_at, decided_at, observed_at, type, subject, version, actor, correlation_id, causation_id, policy
    FROM {cell}.audit_trail
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'audit_trail'
    );

CREATE TABLE {cell}.submissions (
    generation integer NOT NULL,
    submission_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    filename text NOT NULL,
    content_sha256 text NOT NULL,
    status text NOT NULL,
    row_count bigint NOT NULL,
    settled_count bigint NOT NULL,
    counts jsonb NOT NULL,
    faults jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    finished_at timestamptz,
    position bigint NOT NULL,
    PRIMARY KEY (generation, submission_id)
);
CREATE INDEX ON {cell}.submissions (generation, seller_id, position DESC);
CREATE VIEW {cell}.live_submissions WITH (security_invoker = true) AS
    SELECT submission_id, seller_id, filename, content_sha256, status, row_count, settled_count, counts, faults, received_at, finished_at, position
    FROM {cell}.submissions
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'submissions'
    );

CREATE TABLE {cell}.submission_rows (
    generation integer NOT NULL,
    submission_id uuid NOT NULL,
    number bigint NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    own jsonb NOT NULL,
    fate text,
    codes jsonb,
    detail text,
    values jsonb,
    binding_id uuid,
    position bigint NOT NULL,
    PRIMARY KEY (generation, submission_id, number)
);
CREATE VIEW {cell}.live_submission_rows WITH (security_invoker = true) AS
    SELECT submission_id, number, seller_id, asin, own, fate, codes, detail, values, binding_id, position
    FROM {cell}.submission_rows
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'submissions'
    );

CREATE TABLE {cell}.sellers (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    shop_name text NOT NULL,
    amazon_seller_id text NOT NULL,
    is_amazon_linked boolean NOT NULL,
    is_mercari_linked boolean NOT NULL,
    is_sync_enabled boolean NOT NULL,
    default_float_pct double precision NOT NULL,
    reinstatement text NOT NULL,
    warranty_days bigint NOT NULL,
    PRIMARY KEY (generation, seller_id)
);
CREATE VIEW {cell}.live_sellers WITH (security_invoker = true) AS
    SELECT seller_id, version, position, updated_at, shop_name, amazon_seller_id, is_amazon_linked, is_mercari_linked, is_sync_enabled, default_float_pct, reinstatement, warranty_days
    FROM {cell}.sellers
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'sellers'
    );

-- Every view table a tenant reads is isolated by seller; the projector and SQL auditors see all.
DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'bindings', 'effects', 'sync_log', 'sync_log_asins', 'health_hours',
        'health_bindings', 'audit_trail', 'submissions', 'submission_rows', 'sellers'
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
GRANT SELECT, INSERT, UPDATE, DELETE
    ON {cell}.projections, {cell}.projection_positions TO {projector};
GRANT SELECT ON {cell}.projections, {cell}.projection_positions TO {reader}, {auditor_sql}, {jobs};
