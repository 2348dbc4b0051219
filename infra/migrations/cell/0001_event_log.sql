-- The log of one cell. No role of the application can update, delete, re-order or back-date a row:
-- position and time are given by the database, and nobody is granted more than these columns.
CREATE SCHEMA {cell} AUTHORIZATION {owner};
SET ROLE {owner};

CREATE TABLE {cell}.asin_sync_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint GENERATED ALWAYS AS IDENTITY,
    seller_id uuid NOT NULL DEFAULT nullif(current_setting('app.seller', true), '')::uuid,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_analyze_threshold = 1000, autovacuum_vacuum_insert_threshold = 100000);
CREATE UNIQUE INDEX asin_sync_events_notification_id_idx
    ON {cell}.asin_sync_events (notification_id);

ALTER TABLE {cell}.asin_sync_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE {cell}.asin_sync_events FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON {cell}.asin_sync_events FOR ALL TO {writer}, {reader}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid)
    WITH CHECK (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY every_seller ON {cell}.asin_sync_events FOR SELECT
    TO {projector}, {integrator}, {auditor_sql}, {migrator} USING (true);

-- Append in one round trip. The lock makes commit order position order; the commit inside it does
-- not wait for the disk, so writers queue for microseconds: who calls this must flush (below)
-- before telling anybody.
CREATE FUNCTION {cell}.append_events(
    seller uuid, ids uuid[], versions bigint[], topics text[], states bytea[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('app.seller', seller::text, true),
            set_config('synchronous_commit', 'off', true),
            set_config('lock_timeout', '10s', true);
    PERFORM pg_advisory_xact_lock(hashtextextended('{cell}.asin_sync_events', 0));
    RETURN QUERY
        INSERT INTO {cell}.asin_sync_events (originator_id, originator_version, topic, state)
        SELECT t.id, t.version, t.topic, t.state
        FROM unnest(ids, versions, topics, states) WITH ORDINALITY
            AS t (id, version, topic, state, number)
        ORDER BY t.number
        RETURNING notification_id;
END
$body$;

-- Auditors who bring SQL read facts as jsonb.
CREATE VIEW {cell}.facts WITH (security_invoker = true) AS
    SELECT notification_id AS position, seller_id, originator_id, originator_version AS version,
           topic, recorded_at, convert_from(state, 'UTF8')::jsonb AS fact
    FROM {cell}.asin_sync_events;

RESET ROLE;
GRANT USAGE ON SCHEMA {cell} TO {writer}, {projector}, {reader}, {auditor_sql}, {integrator}, {jobs};
GRANT SELECT ON {cell}.asin_sync_events
    TO {writer}, {projector}, {reader}, {auditor_sql}, {integrator};
GRANT INSERT (originator_id, originator_version, topic, state)
    ON {cell}.asin_sync_events TO {writer};
GRANT SELECT ON {cell}.facts TO {auditor_sql}, {reader};
REVOKE EXECUTE ON FUNCTION {cell}.append_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {cell}.append_events TO {writer};
