-- People who sign in without a key. Name, e-mail and the provider's name for a person stand here
-- alone, and are null once they were erased; facts and actors hold the id, which says nothing.
SET ROLE {owner};

CREATE TABLE asin_sync.person (
    person_id uuid PRIMARY KEY,
    role text NOT NULL,
    seller_id uuid,
    email text,
    name text,
    issuer text,
    subject text,
    invited_at timestamptz NOT NULL,
    joined_at timestamptz,
    revoked_at timestamptz,
    CHECK ((role = 'seller') = (seller_id IS NOT NULL)),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);
CREATE UNIQUE INDEX ON asin_sync.person (issuer, subject) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX ON asin_sync.person (email) WHERE revoked_at IS NULL;
CREATE INDEX ON asin_sync.person (seller_id) WHERE seller_id IS NOT NULL;

-- Sessions of people, looked up at every request; the token is nowhere, only its SHA-256.
CREATE TABLE asin_sync.person_session (
    token_hash bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES asin_sync.person,
    used_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX ON asin_sync.person_session (person_id);
CREATE INDEX ON asin_sync.person_session (ends_at);

-- Sign-ins under way: each state leads back once, within ten minutes, to the browser that asked.
-- `identity` is whom the provider named where a set-up code is still to be given.
CREATE TABLE asin_sync.sign_in (
    state_hash bytea PRIMARY KEY,
    browser_hash bytea NOT NULL,
    following text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    identity jsonb
);
CREATE INDEX ON asin_sync.sign_in (browser_hash);
CREATE INDEX ON asin_sync.sign_in (expires_at);

-- The one code that makes the first administrator; a new start makes a new one.
CREATE TABLE asin_sync.setup_code (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    digest bytea NOT NULL,
    made_at timestamptz NOT NULL
);

RESET ROLE;
GRANT SELECT, INSERT, UPDATE ON asin_sync.person TO {keystore};
GRANT SELECT, INSERT, UPDATE, DELETE
    ON asin_sync.person_session, asin_sync.sign_in, asin_sync.setup_code TO {keystore};
