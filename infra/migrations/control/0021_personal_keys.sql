-- One key a seller, wrapped under a key-encryption key; it opens that seller's personal data. A row
-- without a key is a tombstone: the key was destroyed, and none is made for that seller again.
SET ROLE {owner};

CREATE TABLE asin_sync.personal_key (
    key_id uuid PRIMARY KEY,
    seller_id uuid NOT NULL UNIQUE,
    epoch integer NOT NULL,
    nonce bytea,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz
);

-- Under which key-encryption key a secret is sealed.
ALTER TABLE asin_sync.seller_secret ADD COLUMN epoch integer NOT NULL DEFAULT 1;

CREATE POLICY erasing ON asin_sync.contact FOR ALL TO {keystore} USING (true);

RESET ROLE;
GRANT SELECT, INSERT, UPDATE ON asin_sync.personal_key TO {keystore};
GRANT SELECT, DELETE ON asin_sync.contact TO {keystore};
