-- What was measured in main images. Nobody's: the key is the image's bytes, the facts name no seller.
SET ROLE {owner};

CREATE TABLE asin_sync.image_facts (
    sha256 text NOT NULL,
    engine text NOT NULL,
    facts jsonb NOT NULL,
    measured_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sha256, engine)
);

RESET ROLE;
GRANT SELECT, INSERT ON asin_sync.image_facts TO {jobs};
