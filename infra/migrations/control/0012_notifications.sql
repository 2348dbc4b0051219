-- What the marketplaces said has happened: kept for two weeks, so that each is followed once. What
-- concerns no seller of ours is the platform's, whose id is all zeros.
SET ROLE {owner};

CREATE TABLE asin_sync.notification (
    seller_id uuid NOT NULL,
    notification_id text NOT NULL,
    type text NOT NULL,
    subject text,
    event_time timestamptz,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text NOT NULL,
    PRIMARY KEY (seller_id, notification_id)
);
CREATE INDEX ON asin_sync.notification (seller_id, received_at DESC);
CREATE INDEX ON asin_sync.notification (received_at);

-- How many came in all; a type that we do not know counts as OTHER.
CREATE TABLE asin_sync.notification_count (
    seller_id uuid NOT NULL,
    type text NOT NULL,
    accepted bigint NOT NULL,
    duplicates bigint NOT NULL,
    ignored bigint NOT NULL,
    PRIMARY KEY (seller_id, type)
);

ALTER TABLE asin_sync.notification ENABLE ROW LEVEL SECURITY;
ALTER TABLE asin_sync.notification FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON asin_sync.notification FOR SELECT TO {reader}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY receiving ON asin_sync.notification FOR ALL TO {jobs}
    USING (true) WITH CHECK (true);
ALTER TABLE asin_sync.notification_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE asin_sync.notification_count FORCE ROW LEVEL SECURITY;
CREATE POLICY own_seller ON asin_sync.notification_count FOR SELECT TO {reader}
    USING (seller_id = nullif(current_setting('app.seller', true), '')::uuid);
CREATE POLICY receiving ON asin_sync.notification_count FOR ALL TO {jobs}
    USING (true) WITH CHECK (true);

RESET ROLE;
GRANT SELECT ON asin_sync.notification, asin_sync.notification_count TO {reader};
GRANT SELECT, INSERT, UPDATE, DELETE ON asin_sync.notification TO {jobs};
GRANT SELECT, INSERT, UPDATE ON asin_sync.notification_count TO {jobs};
