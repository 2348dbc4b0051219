-- How many requests each API key may still send, and when it was last used. The buckets are worth
-- nothing after a crash: they are not logged, and full again then.
SET ROLE {owner};

CREATE UNLOGGED TABLE asin_sync.request_budget (
    owner text NOT NULL,
    operation text NOT NULL,
    tokens double precision NOT NULL,
    refilled_at double precision NOT NULL,
    PRIMARY KEY (owner, operation)
);

ALTER TABLE asin_sync.api_key ADD COLUMN last_used_at timestamptz;

RESET ROLE;
GRANT SELECT, INSERT, UPDATE ON asin_sync.request_budget TO {jobs};
