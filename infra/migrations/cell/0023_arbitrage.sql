-- Arbitrage: each binding's signs of it, the suspicions with what became of them, the sellers that
-- were terminated. Staff read suspicions and terminations of every seller (app.staff).
SET ROLE {owner};

CREATE TABLE {cell}.arbitrage_signs (
    generation integer NOT NULL,
    binding_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    asin text NOT NULL,
    is_on_sale boolean NOT NULL,
    shown_price_jpy bigint,
    shown_position bigint,
    amazon_price_jpy bigint,
    amazon_position bigint,
    has_lost_offer boolean NOT NULL,
    above_since timestamptz,
    above_position bigint,
    unowned_since timestamptz,
    unowned_position bigint,
    PRIMARY KEY (generation, binding_id)
);
CREATE INDEX ON {cell}.arbitrage_signs (generation, seller_id) WHERE above_since IS NOT NULL OR unowned_since IS NOT NULL;
CREATE INDEX ON {cell}.arbitrage_signs (generation, above_since) WHERE above_since IS NOT NULL;
CREATE INDEX ON {cell}.arbitrage_signs (generation, unowned_since) WHERE unowned_since IS NOT NULL;
CREATE VIEW {cell}.live_arbitrage_signs WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin, is_on_sale, shown_price_jpy, shown_position, amazon_price_jpy, amazon_position, has_lost_offer, above_since, above_position, unowned_since, unowned_position
    FROM {cell}.arbitrage_signs
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'arbitrage_signs'
    );

CREATE TABLE {cell}.suspicions (
    generation integer NOT NULL,
    suspicion_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    position bigint NOT NULL,
    rule text NOT NULL,
    raised_at timestamptz NOT NULL,
    bindings bigint NOT NULL,
    decision text,
    cause text,
    decided_by text,
    decided_at timestamptz,
    PRIMARY KEY (generation, suspicion_id)
);
CREATE INDEX ON {cell}.suspicions (generation, seller_id);
CREATE INDEX ON {cell}.suspicions (generation, position) WHERE decision IS NULL;
CREATE VIEW {cell}.live_suspicions WITH (security_invoker = true) AS
    SELECT suspicion_id, seller_id, position, rule, raised_at, bindings, decision, cause, decided_by, decided_at
    FROM {cell}.suspicions
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'suspicions'
    );

CREATE TABLE {cell}.terminations (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    cause text NOT NULL,
    terminated_at timestamptz NOT NULL,
    terminated_by text NOT NULL,
    suspicion_id uuid,
    wound_up bigint NOT NULL,
    PRIMARY KEY (generation, seller_id)
);
CREATE VIEW {cell}.live_terminations WITH (security_invoker = true) AS
    SELECT seller_id, position, version, cause, terminated_at, terminated_by, suspicion_id, wound_up
    FROM {cell}.terminations
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'suspicions'
    );

-- What a wind-up has still to end is found without reading what has ended.
CREATE INDEX ON {cell}.bindings (generation, seller_id, binding_id) WHERE status <> 'blocked';

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['arbitrage_signs', 'suspicions', 'terminations'] LOOP
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
    FOREACH name IN ARRAY ARRAY['suspicions', 'terminations'] LOOP
        EXECUTE format(
            'CREATE POLICY staff ON {cell}.%I FOR SELECT TO {reader}'
            ' USING (current_setting(''app.staff'', true) = ''on'')', name);
    END LOOP;
END
$body$;

RESET ROLE;
