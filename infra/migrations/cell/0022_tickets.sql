-- Tickets: one row each, without any text. Staff read them across sellers, and nothing else of them.
SET ROLE {owner};

CREATE TABLE {cell}.tickets (
    generation integer NOT NULL,
    ticket_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    opened_position bigint NOT NULL,
    status text NOT NULL,
    opened_at timestamptz NOT NULL,
    answer_due_at timestamptz NOT NULL,
    answered_at timestamptz,
    is_answer_late boolean NOT NULL,
    resolved_at timestamptz,
    cause text,
    assignee text NOT NULL,
    operation text,
    error_code text,
    asin text,
    binding_id uuid,
    log_position bigint,
    seller_replies bigint NOT NULL,
    staff_replies bigint NOT NULL,
    reopened_count bigint NOT NULL,
    PRIMARY KEY (generation, ticket_id)
);
CREATE INDEX ON {cell}.tickets (generation, seller_id, opened_position DESC);
CREATE INDEX ON {cell}.tickets (generation, answer_due_at) WHERE resolved_at IS NULL;
CREATE INDEX ON {cell}.tickets (generation, resolved_at) WHERE resolved_at IS NOT NULL;
CREATE VIEW {cell}.live_tickets WITH (security_invoker = true) AS
    SELECT ticket_id, seller_id, version, position, opened_position, status, opened_at, answer_due_at, answered_at, is_answer_late, resolved_at, cause, assignee, operation, error_code, asin, binding_id, log_position, seller_replies, staff_replies, reopened_count
    FROM {cell}.tickets
    WHERE generation = (
        SELECT live_generation FROM {cell}.projections WHERE name = 'tickets'
    );

ALTER TABLE {cell}.tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE {cell}.tickets FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON {cell}.tickets FOR SELECT TO {reader}, {writer}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY staff ON {cell}.tickets FOR SELECT TO {reader}
    USING (current_setting('app.staff', true) = 'on');
CREATE POLICY every_seller ON {cell}.tickets FOR ALL TO {projector}, {migrator}
    USING (true) WITH CHECK (true);
CREATE POLICY audit ON {cell}.tickets FOR SELECT TO {auditor_sql} USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {cell}.tickets TO {projector};
GRANT SELECT ON {cell}.tickets, {cell}.live_tickets TO {reader}, {auditor_sql}, {projector};

RESET ROLE;
