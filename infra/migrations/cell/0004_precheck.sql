-- What the pre-check shows of a binding, and the evidence that sellers file: bytes encrypted, by
-- hash, once a seller.
SET ROLE {owner};

ALTER TABLE {cell}.bindings
    ADD COLUMN certificates jsonb,
    ADD COLUMN proofs bigint NOT NULL DEFAULT 0,
    ADD COLUMN image_verdict text,
    ADD COLUMN is_in_review boolean NOT NULL DEFAULT false,
    ADD COLUMN suggested_price_jpy bigint;
CREATE OR REPLACE VIEW {cell}.live_bindings WITH (security_invoker = true) AS
    SELECT binding_id, seller_id, asin, status, mercari_category_id, version, position, updated_at, created_at, sku, title, image_url, listing_id, price_jpy, amazon_price_jpy, float_pct, stock, amazon_quantity, stock_threshold, match_rate, shown_price_jpy, shown_stock, is_on_sale, observed_at, submission_id, category_path, browse_path, error_codes, warning_codes, findings, certificates, proofs, image_verdict, is_in_review, suggested_price_jpy
    FROM {cell}.bindings
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'bindings'
    );

ALTER TABLE {cell}.submission_rows ADD COLUMN findings jsonb;
CREATE OR REPLACE VIEW {cell}.live_submission_rows WITH (security_invoker = true) AS
    SELECT submission_id, number, seller_id, asin, own, fate, codes, detail, values, binding_id, position, findings
    FROM {cell}.submission_rows
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'submissions'
    );

CREATE TABLE {cell}.evidence_files (
    seller_id uuid NOT NULL DEFAULT nullif(current_setting('app.seller', true), '')::uuid,
    sha256 text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    content bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (seller_id, sha256)
);
ALTER TABLE {cell}.evidence_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE {cell}.evidence_files FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON {cell}.evidence_files FOR ALL TO {writer}, {reader}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid)
    WITH CHECK (seller_id = nullif(current_setting('app.seller', true), '')::uuid);

RESET ROLE;
GRANT SELECT ON {cell}.evidence_files TO {writer}, {reader};
GRANT INSERT (sha256, media_type, size_bytes, content) ON {cell}.evidence_files TO {writer};
