-- Applications: how far each seller has come, and each thing that was asked for.
SET ROLE {owner};

CREATE TABLE {cell}.applications (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    stage text NOT NULL,
    applied_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    progress text NOT NULL,
    round bigint NOT NULL,
    company_name text NOT NULL,
    entity text NOT NULL,
    requested_at timestamptz,
    due_on text,
    decided_at timestamptz,
    decided_by text,
    review_days bigint,
    first_outcome text,
    first_decided_at timestamptz,
    version bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (generation, seller_id, stage)
);
CREATE INDEX ON {cell}.applications (generation, due_on) WHERE progress = 'in_review';
CREATE VIEW {cell}.live_applications WITH (security_invoker = true) AS
    SELECT seller_id, stage, applied_at, moved_at, progress, round, company_name, entity, requested_at, due_on, decided_at, decided_by, review_days, first_outcome, first_decided_at, version, position
    FROM {cell}.applications
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'applications'
    );

CREATE TABLE {cell}.application_items (
    generation integer NOT NULL,
    seller_id uuid NOT NULL,
    item text NOT NULL,
    filed_at timestamptz NOT NULL,
    sha256 text,
    media_type text,
    size_bytes bigint,
    asins bigint,
    template_version text,
    fault text,
    PRIMARY KEY (generation, seller_id, item)
);
CREATE VIEW {cell}.live_application_items WITH (security_invoker = true) AS
    SELECT seller_id, item, filed_at, sha256, media_type, size_bytes, asins, template_version, fault
    FROM {cell}.application_items
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'applications'
    );

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['applications', 'application_items'] LOOP
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

-- The reviewers' queue goes across sellers; it shows what waits, and nothing of what was filed.
CREATE POLICY for_staff ON {cell}.applications FOR SELECT TO {reader}
    USING (current_setting('app.staff', true) = 'on');

RESET ROLE;
