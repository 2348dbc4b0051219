-- The failures of a seller are found without reading what went well: one line in hundreds fails.
SET ROLE {owner};

CREATE INDEX ON {cell}.sync_log (generation, seller_id, position DESC, number DESC)
    WHERE outcome IN ('failed', 'retrying');

RESET ROLE;
