-- A transparency log over each seller's events. Only the integrator adds leaves, only the signer
-- checkpoints; nobody changes or deletes a leaf. A superuser could, and then checkpoints tell.
SET ROLE {owner};

CREATE TABLE {cell}.tlog_leaves (
    seller_id uuid NOT NULL,
    number bigint NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (seller_id, number)
);
CREATE UNIQUE INDEX tlog_leaves_position_idx ON {cell}.tlog_leaves (position);

-- Roots of full subtrees of 256 ^ level leaves.
CREATE TABLE {cell}.tlog_subtrees (
    seller_id uuid NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (seller_id, level, number)
);

-- The newest checkpoint, and the last of each hour before.
CREATE TABLE {cell}.tlog_checkpoints (
    seller_id uuid NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (seller_id, size)
);
CREATE TABLE {cell}.tlog_cosignatures (
    seller_id uuid NOT NULL,
    size bigint NOT NULL,
    witness text NOT NULL,
    line text NOT NULL,
    PRIMARY KEY (seller_id, size, witness),
    FOREIGN KEY (seller_id, size) REFERENCES {cell}.tlog_checkpoints ON DELETE CASCADE
);

DO $do$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY
        ARRAY['tlog_leaves', 'tlog_subtrees', 'tlog_checkpoints', 'tlog_cosignatures']
    LOOP
        EXECUTE format('ALTER TABLE {cell}.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE {cell}.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_seller ON {cell}.%I FOR SELECT TO {reader}'
            ' USING (seller_id = nullif(current_setting(''app.seller'', true), '''')::uuid)', name);
        EXECUTE format(
            'CREATE POLICY every_seller ON {cell}.%I FOR ALL TO {integrator}, {signer}, {auditor_sql}'
            ', {owner} USING (true) WITH CHECK (true)', name);
        EXECUTE format(
            'GRANT SELECT ON {cell}.%I TO {reader}, {integrator}, {signer}, {auditor_sql}', name);
    END LOOP;
END
$do$;
GRANT INSERT ON {cell}.tlog_leaves, {cell}.tlog_subtrees TO {integrator};
GRANT INSERT (seller_id, size, note), DELETE ON {cell}.tlog_checkpoints TO {signer};
GRANT INSERT ON {cell}.tlog_cosignatures TO {signer};

RESET ROLE;
GRANT USAGE ON SCHEMA {cell} TO {signer};
