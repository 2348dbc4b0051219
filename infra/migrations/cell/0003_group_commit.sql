-- Append what several commands, maybe of several sellers, have decided: one round trip, one commit.
-- `sizes` says how many of the events, in their order, belong to each of `sellers`.
SET ROLE {owner};

CREATE FUNCTION {cell}.append_events(
    sellers uuid[], sizes bigint[], ids uuid[], versions bigint[], topics text[], states bytea[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $body$
DECLARE
    begins bigint := 1;
    ends bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true),
            set_config('lock_timeout', '10s', true);
    PERFORM pg_advisory_xact_lock(hashtextextended('{cell}.asin_sync_events', 0));
    FOR i IN 1 .. cardinality(sellers) LOOP
        ends := begins + sizes[i] - 1;
        PERFORM set_config('app.seller', sellers[i]::text, true);
        RETURN QUERY
            INSERT INTO {cell}.asin_sync_events (originator_id, originator_version, topic, state)
            SELECT t.id, t.version, t.topic, t.state
            FROM unnest(
                ids[begins:ends], versions[begins:ends], topics[begins:ends], states[begins:ends]
            ) WITH ORDINALITY AS t (id, version, topic, state, number)
            ORDER BY t.number
            RETURNING notification_id;
        begins := ends + 1;
    END LOOP;
END
$body$;

DROP FUNCTION {cell}.append_events(uuid, uuid[], bigint[], text[], bytea[]);

RESET ROLE;
REVOKE EXECUTE ON FUNCTION
    {cell}.append_events(uuid[], bigint[], uuid[], bigint[], text[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    {cell}.append_events(uuid[], bigint[], uuid[], bigint[], text[], bytea[]) TO {writer};
