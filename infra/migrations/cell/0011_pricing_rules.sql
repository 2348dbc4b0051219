-- What new rules are tried on before they are saved, and the prices that rules may follow.
SET ROLE {owner};

-- Each binding's exact float and price, and what was listed as its day began.
CREATE TABLE {cell}.price_bases (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    float_rate numeric,
    price_jpy bigint,
    day_started_at timestamptz,
    day_start_price_jpy bigint,
    PRIMARY KEY (generation, binding_id)
);
CREATE INDEX ON {cell}.price_bases (generation, seller_id);
CREATE VIEW {cell}.live_price_bases WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, float_rate, price_jpy, day_started_at, day_start_price_jpy
    FROM {cell}.price_bases
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'price_bases'
    );

-- The seller's own prices on other channels, each as it was entered last.
CREATE TABLE {cell}.channel_prices (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    channel text NOT NULL,
    price_jpy bigint NOT NULL,
    entered_at timestamptz NOT NULL,
    PRIMARY KEY (generation, seller_id, asin, channel)
);
CREATE VIEW {cell}.live_channel_prices WITH (security_invoker = true) AS
    SELECT seller_id, asin, channel, price_jpy, entered_at
    FROM {cell}.channel_prices
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'channel_prices'
    );

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['price_bases', 'channel_prices'] LOOP
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
