-- find_events
-- By the beginning of the id, or the whole key. GLOB compares by the index, and ids hold no wildcards after escaping.
SELECT event FROM events WHERE event_id >= :text AND event_id < :text || char(1114111)
UNION
SELECT event FROM events WHERE event_key = :text
LIMIT 50;

-- life
-- An event's matches with where each was told.
SELECT m.rule_set, m.rule, m.kind AS match_kind, m.also, m.seen_at, m.exception,
    n.destination, n.kind, n.delivery_id, n.closed
FROM matches AS m LEFT JOIN notifications AS n USING (event_key, rule_set)
WHERE m.event_key = :event_key
ORDER BY m.seen_at, m.rule_set, n.destination;

-- rule_set_overview
-- How each rule set is doing. What is open is looked for by what waits and by the states of messages: there are few.
WITH RECURSIVE places AS (
    SELECT min(destination) AS name FROM messages
    UNION ALL
    SELECT (SELECT min(destination) FROM messages WHERE destination > name) FROM places WHERE name IS NOT NULL
),
open AS (
    SELECT rule_set, sum(number) AS number FROM (
        SELECT rule_set, count(*) AS number FROM notifications
        WHERE delivery_id IS NULL AND closed = 0 GROUP BY rule_set
        UNION ALL
        SELECT n.rule_set, count(*) FROM places
        JOIN messages AS g ON g.destination = places.name AND g.state IN ('pending', 'sending', 'unknown')
        JOIN notifications AS n USING (delivery_id)
        WHERE n.closed = 0 GROUP BY n.rule_set
    ) GROUP BY rule_set
)
SELECT r.rule_set,
    min(r.covered_until) AS covered_until,
    max(r.searched_since) AS covered_from,
    (SELECT finished_at FROM scans AS s WHERE s.rule_set = r.rule_set ORDER BY s.id DESC LIMIT 1) AS last_scan,
    (SELECT reach FROM scans AS s WHERE s.rule_set = r.rule_set AND s.kind = 'sweep' ORDER BY s.id DESC LIMIT 1) AS reach,
    (SELECT count(*) FROM matches AS m
        WHERE m.rule_set = r.rule_set AND m.seen_at > :since AND m.kind = 'alert') AS new,
    coalesce((SELECT number FROM open WHERE open.rule_set = r.rule_set), 0) AS open
FROM rules AS r GROUP BY r.rule_set ORDER BY r.rule_set;

-- gaps
-- Newest first.
SELECT began, ended FROM gaps WHERE rule_set = :rule_set ORDER BY began DESC;

-- destination_names
-- Every destination that anything waits for or was sent to, or that had trouble. Each table is only touched once a name.
WITH RECURSIVE sent AS (
    SELECT min(destination) AS name FROM messages
    UNION ALL
    SELECT (SELECT min(destination) FROM messages WHERE destination > name) FROM sent WHERE name IS NOT NULL
),
waiting AS (
    SELECT min(destination) AS name FROM notifications WHERE delivery_id IS NULL AND closed = 0
    UNION ALL
    SELECT (
        SELECT min(destination) FROM notifications WHERE delivery_id IS NULL AND closed = 0 AND destination > name
    ) FROM waiting WHERE name IS NOT NULL
)
SELECT name FROM sent WHERE name IS NOT NULL
UNION SELECT name FROM waiting WHERE name IS NOT NULL
UNION SELECT name FROM destinations;

-- destination_overview
-- What waits for a destination, and since when.
SELECT
    (SELECT count(*) FROM notifications
        WHERE destination = :name AND delivery_id IS NULL AND closed = 0) AS waiting,
    (SELECT m.seen_at FROM notifications AS n JOIN matches AS m USING (event_key, rule_set)
        WHERE n.id = (SELECT min(id) FROM notifications
            WHERE destination = :name AND delivery_id IS NULL AND closed = 0)) AS oldest_waiting,
    (SELECT count(*) FROM messages WHERE destination = :name AND state IN ('pending', 'sending')) AS pending,
    (SELECT min(created_at) FROM messages
        WHERE destination = :name AND state IN ('pending', 'sending', 'unknown')) AS oldest_message,
    (SELECT count(*) FROM messages WHERE destination = :name AND state = 'unknown') AS unknown,
    (SELECT min(created_at) FROM messages WHERE destination = :name AND state = 'unknown') AS oldest_unknown,
    (SELECT max(sent_at) FROM messages WHERE destination = :name AND state = 'sent') AS last_sent;

-- event_count
-- How many events are remembered.
SELECT count(*) AS events FROM events;

-- old_events
-- Events that may be forgotten, a few at a time: every notification was sent or given up.
SELECT e.event_key FROM events AS e
WHERE e.seen_at < :before AND e.event_time < :before
    AND NOT EXISTS (
        SELECT 1 FROM notifications AS n LEFT JOIN messages AS g USING (delivery_id)
        WHERE n.event_key = e.event_key AND n.closed = 0 AND coalesce(g.state, 'pending') NOT IN ('sent', 'dead')
    )
LIMIT :limit;

-- forget_event
-- Its matches and notifications go with it.
DELETE FROM events WHERE event_key = :event_key;

-- forget_messages
-- Done, old, and telling nothing any more.
DELETE FROM messages AS g
WHERE g.state IN ('sent', 'dead') AND g.created_at < :before AND g.not_before IS NULL
    AND NOT EXISTS (SELECT 1 FROM notifications AS n WHERE n.delivery_id = g.delivery_id)
    AND NOT EXISTS (SELECT 1 FROM messages AS reply WHERE reply.thread_of = g.delivery_id);

-- forget_before
-- What is forgotten is never alerted again. It says nothing of what was ever searched.
UPDATE rules SET forgotten_before = max(coalesce(forgotten_before, :before), :before);

-- forget_rules
-- Of a rule set that was removed for good. What it matched stays, so nothing is told twice if it comes back.
DELETE FROM rules WHERE rule_set = :rule_set;

-- forget_coverage
-- Its gaps.
DELETE FROM gaps WHERE rule_set = :rule_set;

-- forget_searches
-- Its scans: one of that name that comes later begins anew.
DELETE FROM scans WHERE rule_set = :rule_set;

-- forget_scans
-- Old scans that found something.
DELETE FROM scans WHERE finished_at < :before AND new > 0;

-- told_between
-- Messages that told events within a period, in the order in which they were frozen. Replays told nothing new.
SELECT * FROM messages
WHERE state = 'sent' AND kind <> 'ops' AND replay_of IS NULL AND sent_at >= :since AND sent_at < :until
ORDER BY seq;

-- replays
-- Every message that tells another one again.
SELECT * FROM messages WHERE replay_of IS NOT NULL ORDER BY seq;

-- replays_of
-- Those of one message.
SELECT * FROM messages WHERE replay_of = :delivery_id ORDER BY seq;

-- audited_events
-- What became of each event of a period, for each rule set that took it and each destination.
SELECT e.event_key, e.event_id, e.event_time, m.rule_set, m.rule, m.kind AS match_kind, m.seen_at,
    n.destination, n.kind, n.closed, n.delivery_id
FROM events AS e
JOIN matches AS m USING (event_key)
LEFT JOIN notifications AS n USING (event_key, rule_set)
WHERE e.event_time >= :since AND e.event_time < :until
ORDER BY e.event_time, e.event_key, m.rule_set, n.destination;

-- audited_messages
-- Messages of a period, and those that tell its events; with what they repeat, so that a replay never stands alone.
SELECT g.* FROM messages AS g
WHERE (g.created_at >= :since AND g.created_at < :until)
    OR EXISTS (
        SELECT 1 FROM notifications AS n JOIN events AS e USING (event_key)
        WHERE n.delivery_id IN (g.delivery_id, g.replay_of) AND e.event_time >= :since AND e.event_time < :until
    )
ORDER BY g.seq;

-- audited_items
-- Which events those messages tell.
SELECT n.delivery_id, e.event_id FROM notifications AS n JOIN events AS e USING (event_key)
WHERE n.delivery_id IN (SELECT value FROM json_each(:delivery_ids))
ORDER BY n.delivery_id, n.position;

-- last_sweeps
-- When each rule set's last complete sweep began.
SELECT rule_set, started_at FROM scans
WHERE id IN (SELECT max(id) FROM scans WHERE kind = 'sweep' GROUP BY rule_set);

-- audited_threads
-- The parents that replies hang on, by their ts.
SELECT DISTINCT g.destination, parent.ts FROM messages AS g
JOIN messages AS parent ON parent.delivery_id = g.thread_of
WHERE parent.ts IS NOT NULL AND g.created_at >= :since;

-- known_messages
-- Which of these delivery ids the ledger knows.
SELECT delivery_id FROM messages WHERE delivery_id IN (SELECT value FROM json_each(:delivery_ids));

-- tables
-- What a full check looks through.
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\';
