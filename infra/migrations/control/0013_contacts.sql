-- Whom a seller wants told by mail, what is to be told, and what was. Addresses are personal data:
-- they stand in `contact` alone, never in a fact, and all that hangs on one goes with it.
SET ROLE {owner};

CREATE TABLE asin_sync.contact (
    contact_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seller_id uuid NOT NULL,
    email text NOT NULL,
    language text NOT NULL,
    topics text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (seller_id, email)
);

-- What there is to tell, once a key.
CREATE TABLE asin_sync.message (
    seller_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    values jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (seller_id, topic, key)
);
CREATE INDEX ON asin_sync.message (created_at);

-- Which contact was told what.
CREATE TABLE asin_sync.message_sent (
    contact_id uuid NOT NULL REFERENCES asin_sync.contact ON DELETE CASCADE,
    seller_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (contact_id, topic, key)
);

-- The last mail to a contact on a topic, and what came of trying since.
CREATE TABLE asin_sync.mailing (
    contact_id uuid NOT NULL REFERENCES asin_sync.contact ON DELETE CASCADE,
    seller_id uuid NOT NULL,
    topic text NOT NULL,
    sent_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    error text,
    PRIMARY KEY (contact_id, topic)
);

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['contact', 'message', 'message_sent', 'mailing'] LOOP
        EXECUTE format('ALTER TABLE asin_sync.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE asin_sync.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_seller ON asin_sync.%I FOR ALL TO {writer}, {reader}'
            ' USING (seller_id = nullif(current_setting(''app.seller'', true), '''')::uuid)'
            ' WITH CHECK (seller_id = nullif(current_setting(''app.seller'', true), '''')::uuid)',
            name);
        EXECUTE format(
            'CREATE POLICY telling ON asin_sync.%I FOR ALL TO {jobs}'
            ' USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$body$;

RESET ROLE;
GRANT SELECT ON asin_sync.contact, asin_sync.mailing TO {reader}, {writer};
GRANT INSERT (seller_id, email, language, topics), UPDATE (language, topics), DELETE
    ON asin_sync.contact TO {writer};
GRANT SELECT ON asin_sync.contact TO {jobs};
GRANT SELECT, INSERT, UPDATE, DELETE
    ON asin_sync.message, asin_sync.message_sent, asin_sync.mailing TO {jobs};
