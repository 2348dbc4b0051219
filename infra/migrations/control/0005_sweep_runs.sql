-- Sweeps under way: how far each has come, and when it will end. A row goes when its sweep ends.
SET ROLE {owner};

CREATE TABLE asin_sync.sweep_run (
    seller_id uuid NOT NULL,
    kind text NOT NULL,
    due_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    listings bigint NOT NULL,
    done bigint NOT NULL,
    projected_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (seller_id, kind)
);
ALTER TABLE asin_sync.sweep_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE asin_sync.sweep_run FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON asin_sync.sweep_run FOR SELECT TO {reader}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY sweeping ON asin_sync.sweep_run FOR ALL TO {jobs}
    USING (true) WITH CHECK (true);

RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON asin_sync.sweep_run TO {jobs};
GRANT SELECT ON asin_sync.sweep_run TO {reader};
