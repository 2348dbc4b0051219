-- A seller's guards: the brake on mass changes, prices edited by hand, the last units.
SET ROLE {owner};

ALTER TABLE {cell}.sellers
    ADD COLUMN brake_pct double precision NOT NULL DEFAULT 10,
    ADD COLUMN hand_edited_price text NOT NULL DEFAULT 'put_back',
    ADD COLUMN last_units bigint NOT NULL DEFAULT 0;
CREATE OR REPLACE VIEW {cell}.live_sellers WITH (security_invoker = true) AS
    SELECT seller_id, version, position, updated_at, shop_name, amazon_seller_id, is_amazon_linked, is_mercari_linked, is_sync_enabled, default_float_pct, reinstatement, warranty_days, brake_pct, hand_edited_price, last_units
    FROM {cell}.sellers
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'sellers'
    );

RESET ROLE;
