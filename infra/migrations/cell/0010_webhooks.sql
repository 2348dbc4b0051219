-- Webhooks: which endpoints there are, which events are still to be told them, and each attempt.
-- Rows and the follower's position lie in the cell, so that one transaction of one cell writes both.
SET ROLE {owner};

CREATE TABLE {cell}.webhook_follower (
    name text PRIMARY KEY,
    position bigint NOT NULL
);
INSERT INTO {cell}.webhook_follower VALUES ('webhooks', 0);

-- The fold of the sellers' facts about webhooks at the follower's position; `failing_since` is set by
-- the first attempt that fails and cleared by one that does not.
CREATE TABLE {cell}.webhook_endpoints (
    webhook_id uuid PRIMARY KEY,
    seller_id uuid NOT NULL,
    types text[] NOT NULL,
    is_enabled boolean NOT NULL,
    failing_since timestamptz
);
CREATE INDEX ON {cell}.webhook_endpoints (seller_id);

-- One row for each event and each endpoint that is told it: waiting, delivered or given_up.
CREATE TABLE {cell}.webhook_deliveries (
    webhook_id uuid NOT NULL,
    position bigint NOT NULL,
    seller_id uuid NOT NULL,
    type text NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (webhook_id, position)
);
CREATE INDEX ON {cell}.webhook_deliveries (webhook_id, position) WHERE state = 'waiting';
CREATE INDEX ON {cell}.webhook_deliveries (webhook_id, position) WHERE state = 'given_up';

CREATE TABLE {cell}.webhook_attempts (
    webhook_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    seller_id uuid NOT NULL,
    position bigint,
    type text NOT NULL,
    at timestamptz NOT NULL,
    status integer,
    error text,
    duration_ms integer NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (webhook_id, number)
);

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['webhook_endpoints', 'webhook_deliveries', 'webhook_attempts'] LOOP
        EXECUTE format('ALTER TABLE {cell}.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE {cell}.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_seller ON {cell}.%I FOR SELECT TO {reader}'
            ' USING (seller_id = nullif(current_setting(''app.seller'', true), '''')::uuid)', name);
        EXECUTE format(
            'CREATE POLICY every_seller ON {cell}.%I FOR ALL TO {integrator}'
            ' USING (true) WITH CHECK (true)', name);
        EXECUTE format(
            'CREATE POLICY audit ON {cell}.%I FOR SELECT TO {auditor_sql} USING (true)', name);
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON {cell}.%I TO {integrator}', name);
        EXECUTE format('GRANT SELECT ON {cell}.%I TO {reader}, {auditor_sql}', name);
    END LOOP;
END
$body$;

RESET ROLE;
GRANT SELECT, UPDATE ON {cell}.webhook_follower TO {integrator};
GRANT SELECT ON {cell}.projections, {cell}.projection_positions TO {integrator};

-- A new follower starts at the head of the log; only a role that sees every seller knows where it is.
SET ROLE {integrator};
UPDATE {cell}.webhook_follower SET position =
    (SELECT coalesce(max(notification_id), 0) FROM {cell}.asin_sync_events);
RESET ROLE;
