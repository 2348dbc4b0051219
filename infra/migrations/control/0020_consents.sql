-- Consents asked of Amazon: each state leads back once, within ten minutes. The state itself is
-- nowhere, only its SHA-256; `session_hash` is that of the browser session that asked, null for a
-- consent that was begun with a key.
SET ROLE {owner};

CREATE TABLE asin_sync.consent (
    state_hash bytea PRIMARY KEY,
    seller_id uuid NOT NULL,
    key_id text NOT NULL,
    session_hash bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ON asin_sync.consent (expires_at);

RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON asin_sync.consent TO {keystore};
