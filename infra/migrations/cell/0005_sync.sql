-- What drift is seen by, and what is paused, held back or late for a seller.
SET ROLE {owner};

ALTER TABLE {cell}.bindings
    ADD COLUMN shown_title text,
    ADD COLUMN shown_category_id text,
    ADD COLUMN shown_image_urls jsonb,
    ADD COLUMN shown_description_sha256 text,
    ADD COLUMN is_closed_by_hand boolean NOT NULL DEFAULT false;
CREATE INDEX ON {cell}.bindings (generation, seller_id, binding_id)
    WHERE status IN ('listed', 'suspended', 'mapped');
CREATE INDEX ON {cell}.bindings (generation, seller_id, sku);
CREATE OR REPLACE VIEW {cell}.live_bindings WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin, status, mercari_category_id, version, position, updated_at, created_at, sku, title, image_url, listing_id, price_jpy, amazon_price_jpy, float_pct, stock, amazon_quantity, stock_threshold, match_rate, shown_price_jpy, shown_stock, is_on_sale, observed_at, submission_id, category_path, browse_path, error_codes, warning_codes, findings, certificates, proofs, image_verdict, is_in_review, suggested_price_jpy, shown_title, shown_category_id, shown_image_urls, shown_description_sha256, is_closed_by_hand
    FROM {cell}.bindings
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'bindings'
    );

-- The columns that sweeps compare, of the bindings that are kept in step.
CREATE VIEW {cell}.live_bindings_in_sync WITH (security_invoker = true) AS
    SELECT seller_id, binding_id, asin, sku, status, amazon_price_jpy, amazon_quantity, title,
           image_url, browse_path, certificates
    FROM {cell}.live_bindings WHERE status IN ('listed', 'suspended', 'mapped');

ALTER TABLE {cell}.effects
    ADD COLUMN has_content_to_write boolean NOT NULL DEFAULT false,
    ADD COLUMN is_closed_by_hand boolean NOT NULL DEFAULT false;
CREATE OR REPLACE VIEW {cell}.live_effects WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, version, effect, urgency, not_before, is_mapped, wants_on_sale, wanted_price_jpy, wanted_stock, wanted_title, has_listing, shows_on_sale, shown_price_jpy, shown_stock, shown_title, has_content_to_write, is_closed_by_hand
    FROM {cell}.effects
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'effects'
    );

CREATE TABLE {cell}.conditions (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    is_open boolean NOT NULL,
    code text,
    since timestamptz NOT NULL,
    until timestamptz,
    position bigint NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (generation, seller_id, kind, subject)
);
CREATE VIEW {cell}.live_conditions WITH (security_invoker = true) AS
    SELECT seller_id, kind, subject, is_open, code, since, until, position, detail
    FROM {cell}.conditions
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'conditions'
    );
ALTER TABLE {cell}.conditions ENABLE ROW LEVEL SECURITY;
ALTER TABLE {cell}.conditions FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON {cell}.conditions FOR SELECT TO {reader}, {writer}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY every_seller ON {cell}.conditions FOR ALL TO {projector}, {migrator}
    USING (true) WITH CHECK (true);
CREATE POLICY audit ON {cell}.conditions FOR SELECT TO {auditor_sql} USING (true);

RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON {cell}.conditions TO {projector};
GRANT SELECT ON {cell}.live_bindings_in_sync TO {reader}, {auditor_sql}, {projector};
GRANT SELECT ON {cell}.conditions, {cell}.live_conditions
    TO {reader}, {auditor_sql}, {projector};
