-- Files are sealed under a key of their seller's own; a row without one was sealed before there was.
SET ROLE {owner};

ALTER TABLE {cell}.evidence_files ADD COLUMN key_id uuid;
CREATE POLICY keeping ON {cell}.evidence_files FOR ALL TO {keystore}
    USING (true) WITH CHECK (true);

RESET ROLE;
GRANT USAGE ON SCHEMA {cell} TO {keystore};
GRANT INSERT (key_id) ON {cell}.evidence_files TO {writer};
GRANT SELECT, UPDATE (content, key_id), DELETE ON {cell}.evidence_files TO {keystore};
