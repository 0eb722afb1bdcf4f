-- open_episodes
-- Oldest first.
SELECT * FROM episodes WHERE over_at IS NULL ORDER BY began_at, subject;

-- save_episode
-- Insert or replace. There is one open episode of a subject at a time.
INSERT INTO episodes (subject, text, began_at, told_at, told_by, over_at)
VALUES (:subject, :text, :began_at, :told_at, :told_by, :over_at)
ON CONFLICT (subject, began_at) DO UPDATE SET
    text = excluded.text, told_at = excluded.told_at, told_by = excluded.told_by, over_at = excluded.over_at;

-- forget_episodes
-- What was over long ago.
DELETE FROM episodes WHERE over_at < :before;

-- remembered
-- A fact that is kept under a name.
SELECT value FROM meta WHERE name = :name;

-- remember
-- Insert or replace.
INSERT OR REPLACE INTO meta (name, value) VALUES (:name, :value);

-- oldest_waiting
-- What is to be sent and is not: since when, and how much. What is in doubt is a matter of its own, and so is what waits
-- until a look into the past is complete.
WITH waiting AS (
    SELECT count(*) AS number, min(id) AS oldest FROM notifications
    WHERE destination = :destination AND delivery_id IS NULL AND closed = 0
        AND (kind <> 'baseline' OR rule_set NOT IN (SELECT rule_set FROM baselines))
)
SELECT sum(number) AS number, min(since) AS since FROM (
    SELECT number, (
        SELECT m.seen_at FROM notifications AS n JOIN matches AS m USING (event_key, rule_set) WHERE n.id = oldest
    ) AS since FROM waiting
    UNION ALL
    SELECT count(*), min(created_at) FROM messages
    WHERE destination = :destination AND state IN ('pending', 'sending')
);

-- oldest_unknown
-- Sends of which nobody can tell whether they arrived: since when, and how many.
SELECT count(*) AS number, min(unknown_since) AS since FROM messages
WHERE destination = :destination AND state = 'unknown';

-- rule_set_names
-- Every rule set that ever ran, unless it was forgotten.
SELECT DISTINCT rule_set FROM rules ORDER BY rule_set;

-- last_scan
-- When a rule set was last searched to the end.
SELECT (SELECT finished_at FROM scans WHERE rule_set = :rule_set ORDER BY id DESC LIMIT 1) AS finished_at;

-- day_events
-- Of a day: what was first seen in it, by what became of it.
SELECT count(*) FILTER (WHERE kind = 'alert') AS alerts,
    count(*) FILTER (WHERE kind = 'baseline') AS listed,
    count(*) FILTER (WHERE kind = 'excepted') AS excepted
FROM (SELECT event_key, min(kind) AS kind FROM matches WHERE seen_at >= :since AND seen_at < :until GROUP BY event_key);

-- day_deliveries
-- Of the alerts of a day: events told everywhere, not yet, perhaps twice, given up; and the longest way to a channel.
SELECT count(*) FILTER (WHERE open = 0 AND repeated = 0 AND dead = 0) AS once,
    count(*) FILTER (WHERE open = 1) AS open,
    count(*) FILTER (WHERE open = 0 AND repeated = 1) AS repeated,
    count(*) FILTER (WHERE dead = 1) AS dead,
    max(delay) AS delay
FROM (
    SELECT e.event_key,
        max(n.closed = 0 AND coalesce(g.state, 'pending') NOT IN ('sent', 'dead')) AS open,
        max(coalesce(g.repeat_possible, 0)) AS repeated,
        max(coalesce(g.state, '') = 'dead') AS dead,
        max(g.sent_at - e.event_time) AS delay
    FROM matches AS m
    JOIN events AS e USING (event_key)
    JOIN notifications AS n USING (event_key, rule_set)
    LEFT JOIN messages AS g USING (delivery_id)
    WHERE m.seen_at >= :since AND m.seen_at < :until AND m.kind = 'alert'
    GROUP BY e.event_key
);

-- day_open
-- Alerts of any day that are still to be told.
SELECT count(DISTINCT n.event_key) AS open
FROM notifications AS n JOIN matches AS m USING (event_key, rule_set) LEFT JOIN messages AS g USING (delivery_id)
WHERE n.closed = 0 AND m.kind = 'alert' AND m.seen_at < :until
    AND (n.delivery_id IS NULL OR g.state IN ('pending', 'sending', 'unknown'));

-- day_episodes
-- Troubles that there were at any time of a day.
SELECT * FROM episodes WHERE began_at < :until AND (over_at IS NULL OR over_at >= :since) ORDER BY began_at, subject;

-- fill_gaps
-- A scan that reached over a gap closes it.
DELETE FROM gaps WHERE rule_set = :rule_set AND began >= :since AND ended <= :until;
