-- Stock alerts: each binding's stock with its open alert, and the alerts that are over.
SET ROLE {owner};

CREATE TABLE {cell}.stock_watched (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    title text,
    is_listed boolean NOT NULL,
    amazon_quantity bigint,
    stock_threshold bigint NOT NULL,
    last_units bigint NOT NULL,
    shown_stock bigint,
    reason text,
    raised_at timestamptz,
    raised_position bigint,
    PRIMARY KEY (generation, binding_id)
);
CREATE INDEX ON {cell}.stock_watched (generation, seller_id, raised_position DESC)
    WHERE reason IS NOT NULL;
CREATE INDEX ON {cell}.stock_watched (generation, raised_position) WHERE reason IS NOT NULL;
CREATE VIEW {cell}.live_stock_watched WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin, title, is_listed, amazon_quantity, stock_threshold, last_units, shown_stock, reason, raised_at, raised_position
    FROM {cell}.stock_watched
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'stock_alerts'
    );

CREATE TABLE {cell}.stock_alerts_ended (
    generation integer NOT NULL,
    position bigint NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    title text,
    amazon_quantity bigint,
    stock_threshold bigint NOT NULL,
    last_units bigint NOT NULL,
    shown_stock bigint,
    reason text NOT NULL,
    raised_at timestamptz NOT NULL,
    raised_position bigint NOT NULL,
    ended_at timestamptz NOT NULL,
    ended_by text NOT NULL,
    PRIMARY KEY (generation, position)
);
CREATE INDEX ON {cell}.stock_alerts_ended (generation, seller_id, position DESC);
CREATE VIEW {cell}.live_stock_alerts_ended WITH (security_invoker = true) AS
    SELECT position, binding_id, seller_id, asin, title, amazon_quantity, stock_threshold, last_units, shown_stock, reason, raised_at, raised_position, ended_at, ended_by
    FROM {cell}.stock_alerts_ended
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'stock_alerts'
    );

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['stock_watched', 'stock_alerts_ended'] LOOP
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
