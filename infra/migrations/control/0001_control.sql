-- What is not a seller's history: who may come in, secrets at rest, budgets, which cells there are.
CREATE SCHEMA asin_sync AUTHORIZATION {owner};
SET ROLE {owner};

CREATE TABLE asin_sync.cell (
    cell_id integer PRIMARY KEY,
    schema_name text NOT NULL UNIQUE
);

-- One row an API key. The secret itself is nowhere: `digest` is HMAC-SHA256 under the pepper.
CREATE TABLE asin_sync.api_key (
    key_id text PRIMARY KEY,
    seller_id uuid,
    role text NOT NULL,
    label text NOT NULL,
    digest bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

-- A seller's tokens for the marketplaces, AES-GCM under the key-encryption key, bound to the seller.
CREATE TABLE asin_sync.seller_secret (
    seller_id uuid NOT NULL,
    kind text NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (seller_id, kind)
);

-- A token bucket for each (owner, operation); leased tokens count as spent after a crash.
CREATE TABLE asin_sync.budget (
    owner text NOT NULL,
    operation text NOT NULL,
    tokens double precision NOT NULL,
    refilled_at double precision NOT NULL,
    PRIMARY KEY (owner, operation)
);

-- Calls made to the upstreams, by seller, operation and hour: what quotas are planned with.
CREATE TABLE asin_sync.upstream_calls (
    seller_id uuid NOT NULL,
    operation text NOT NULL,
    hour timestamptz NOT NULL,
    calls bigint NOT NULL,
    PRIMARY KEY (seller_id, hour, operation)
);
ALTER TABLE asin_sync.upstream_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE asin_sync.upstream_calls FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON asin_sync.upstream_calls FOR SELECT TO {reader}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY counting ON asin_sync.upstream_calls FOR ALL TO {jobs}
    USING (true) WITH CHECK (true);

RESET ROLE;
GRANT USAGE ON SCHEMA asin_sync TO {writer}, {projector}, {reader}, {auditor_sql}, {jobs}, {keystore};
GRANT SELECT ON asin_sync.cell TO {writer}, {projector}, {reader}, {auditor_sql}, {jobs};
GRANT SELECT, INSERT, UPDATE ON asin_sync.api_key TO {keystore};
GRANT SELECT, INSERT, UPDATE, DELETE ON asin_sync.seller_secret TO {keystore};
GRANT SELECT, INSERT, UPDATE ON asin_sync.budget TO {jobs};
GRANT SELECT, INSERT, UPDATE ON asin_sync.upstream_calls TO {jobs};
GRANT SELECT ON asin_sync.upstream_calls TO {reader};
