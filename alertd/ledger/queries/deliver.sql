-- destination
-- A destination that never had trouble has no row.
SELECT * FROM destinations WHERE name = :name;

-- save_destination
-- Insert or replace.
INSERT OR REPLACE INTO destinations (name, condition, reason, since, paused_until, failures, next_post_at, flooding)
VALUES (:name, :condition, :reason, :since, :paused_until, :failures, :next_post_at, :flooding);

-- waiting_count
-- Notifications in no message yet.
SELECT count(*) AS waiting FROM notifications
WHERE destination = :destination AND kind = :kind AND delivery_id IS NULL AND closed = 0;

-- urgencies
-- How urgent the most urgent of each kind is.
SELECT k.column1 AS kind, (
    SELECT n.urgency FROM notifications AS n
    WHERE n.destination = :destination AND n.kind = k.column1 AND n.delivery_id IS NULL AND n.closed = 0
    ORDER BY n.urgency DESC LIMIT 1
) AS urgency
FROM (VALUES ('message'), ('session'), ('echo'), ('baseline')) AS k WHERE urgency IS NOT NULL;

-- waiting
-- The most urgent first, then the oldest event, with what a message needs. An echo waits for the message that tells the event.
SELECT n.id, n.destination, n.kind, e.event, m.facts, m.seen_at, told.delivery_id AS told_by
FROM notifications AS n
JOIN events AS e USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
LEFT JOIN notifications AS told
    ON n.kind = 'echo' AND told.event_key = n.event_key AND told.destination = n.destination AND told.kind <> 'echo'
WHERE n.destination = :destination AND n.kind = :kind AND n.delivery_id IS NULL AND n.closed = 0
    AND (n.kind <> 'echo' OR told.delivery_id IS NOT NULL)
ORDER BY n.urgency DESC, n.event_time, n.id
LIMIT :limit;

-- waiting_sessions
-- Sessions with calls that were gathered for long enough, the most urgent first. What was seen two minutes later, or
-- more, was seen by a clock that was ahead.
SELECT coalesce(e.session, '') AS session, max(n.urgency) AS urgency
FROM notifications AS n
JOIN events AS e USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
WHERE n.destination = :destination AND n.kind = 'session' AND n.delivery_id IS NULL AND n.closed = 0
GROUP BY 1 HAVING min(m.seen_at) <= :gathered OR max(m.seen_at) > :gathered + 120000000
ORDER BY urgency DESC, min(n.event_time);

-- waiting_of_session
-- Its waiting calls in their order, whatever the severity of each.
SELECT n.id, n.destination, n.kind, e.event, m.facts, m.seen_at, NULL AS told_by
FROM events AS e
JOIN notifications AS n USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
WHERE e.session = :session AND n.destination = :destination AND n.kind = 'session'
    AND n.delivery_id IS NULL AND n.closed = 0
ORDER BY n.event_time, n.id
LIMIT :limit;

-- waiting_without_session
-- The same for calls that name no session.
SELECT n.id, n.destination, n.kind, e.event, m.facts, m.seen_at, NULL AS told_by
FROM notifications AS n
JOIN events AS e USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
WHERE e.session IS NULL AND n.destination = :destination AND n.kind = 'session'
    AND n.delivery_id IS NULL AND n.closed = 0
ORDER BY n.event_time, n.id
LIMIT :limit;

-- waiting_past
-- What complete looks into the past found, by rule set. `last` bounds it: more may come meanwhile.
SELECT rule_set, count(*) AS number, max(id) AS last FROM notifications
WHERE destination = :destination AND kind = 'baseline' AND delivery_id IS NULL AND closed = 0
    AND rule_set NOT IN (SELECT rule_set FROM baselines)
GROUP BY rule_set;

-- newest_of_past
-- The newest of them, newest first.
SELECT n.id, n.destination, n.kind, e.event, m.facts, m.seen_at, NULL AS told_by
FROM notifications AS n
JOIN events AS e USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
WHERE n.destination = :destination AND n.kind = 'baseline' AND n.rule_set = :rule_set
    AND n.delivery_id IS NULL AND n.closed = 0 AND n.id <= :last
ORDER BY n.event_time DESC, n.id DESC
LIMIT :limit;

-- keys_of_past
-- Which events they are, so many at a time.
SELECT id, event_key FROM notifications
WHERE destination = :destination AND kind = 'baseline' AND rule_set = :rule_set
    AND delivery_id IS NULL AND closed = 0 AND id > :after AND id <= :last
ORDER BY id LIMIT :limit;

-- put_past_into_message
-- All of them, in the order of the events.
UPDATE notifications SET delivery_id = :delivery_id, position = placed.position FROM (
    SELECT id AS placed_id, row_number() OVER (ORDER BY event_time, id) - 1 AS position FROM notifications
    WHERE destination = :destination AND kind = 'baseline' AND rule_set = :rule_set
        AND delivery_id IS NULL AND closed = 0 AND id <= :last
) AS placed
WHERE id = placed.placed_id;

-- insert_message
-- seq keeps the order in which messages were frozen.
INSERT INTO messages (
    delivery_id, seq, destination, kind, payload, created_at, state, thread_of, attempts, not_before, attempted_at,
    unknown_since, negative_reads, plain, repeat_possible, sweeps, channel, ts, permalink, sent_at, last_error,
    replay_of, urgency, read_since
) VALUES (
    :delivery_id, (SELECT coalesce(max(seq), 0) + 1 FROM messages), :destination, :kind, :payload, :created_at, :state,
    :thread_of, :attempts, :not_before, :attempted_at, :unknown_since, :negative_reads, :plain, :repeat_possible,
    :sweeps, :channel, :ts, :permalink, :sent_at, :last_error, :replay_of,
    :urgency, :read_since
);

-- put_into_message
-- A notification goes into one message, once.
UPDATE notifications SET delivery_id = :delivery_id, position = :position
WHERE id = :id AND delivery_id IS NULL AND closed = 0;

-- close_notification
-- Nothing is to be sent for it.
UPDATE notifications SET closed = 1 WHERE id = :id AND delivery_id IS NULL;

-- next_alert
-- News before replays, then the most urgent, then the oldest. A pause never lasts two hours: one that ends later was set
-- before the clock was put back.
SELECT m.* FROM messages AS m LEFT JOIN messages AS parent ON parent.delivery_id = m.thread_of
WHERE m.destination = :destination AND m.state = 'pending' AND m.kind <> 'ops'
    AND (m.not_before IS NULL OR m.not_before <= :now)
    AND (m.thread_of IS NULL OR parent.state IN ('sent', 'dead'))
ORDER BY m.replay_of IS NOT NULL, m.urgency DESC, m.seq LIMIT 1;

-- next_ops
-- The same of what alertd says about itself.
SELECT * FROM messages
WHERE destination = :destination AND state = 'pending' AND kind = 'ops'
    AND (not_before IS NULL OR not_before <= :now)
ORDER BY replay_of IS NOT NULL, urgency DESC, seq LIMIT 1;

-- hurry_message
-- What tells an event goes as soon as the most urgent of what hangs on it.
UPDATE messages SET urgency = :urgency
WHERE state <> 'sent' AND urgency < :urgency AND delivery_id IN (
    SELECT delivery_id FROM notifications
    WHERE event_key = :event_key AND destination = :destination AND kind <> 'echo' AND delivery_id IS NOT NULL
);

-- hurry_notification
-- The same before it is in a message.
UPDATE notifications SET urgency = :urgency
WHERE event_key = :event_key AND destination = :destination AND kind <> 'echo' AND urgency < :urgency
    AND delivery_id IS NULL;

-- hurry_parent
-- A thread begins as soon as the most urgent of its replies.
UPDATE messages SET urgency = :urgency WHERE delivery_id = :delivery_id AND state <> 'sent' AND urgency < :urgency;

-- hurry_session
-- A later list of a session never overtakes an earlier one.
UPDATE messages SET urgency = :urgency
WHERE state <> 'sent' AND urgency < :urgency AND kind = 'session' AND delivery_id IN (
    SELECT n.delivery_id FROM events AS e JOIN notifications AS n USING (event_key)
    WHERE e.session = :session AND n.destination = :destination AND n.kind = 'session'
);

-- message
-- One by its delivery id.
SELECT * FROM messages WHERE delivery_id = :delivery_id;

-- messages
-- All of a state, oldest first.
SELECT * FROM messages WHERE destination = :destination AND state = :state ORDER BY seq;

-- to_sweep
-- Sent, and to be looked for again.
SELECT * FROM messages
WHERE destination = :destination AND state = 'sent' AND not_before IS NOT NULL ORDER BY not_before;

-- session_parent
-- The first message that told an event of the session.
SELECT m.* FROM events AS e
JOIN notifications AS n USING (event_key)
JOIN messages AS m USING (delivery_id)
WHERE e.session = :session AND n.destination = :destination AND n.kind IN ('message', 'session')
    AND m.kind IN ('event', 'session')
ORDER BY m.seq LIMIT 1;

-- save_message
-- Only if it still is in the state that it was read in.
UPDATE messages SET
    payload = :payload, state = :state, thread_of = :thread_of, attempts = :attempts, not_before = :not_before,
    attempted_at = :attempted_at, unknown_since = :unknown_since, negative_reads = :negative_reads, plain = :plain,
    repeat_possible = :repeat_possible, sweeps = :sweeps, channel = :channel, ts = :ts, permalink = :permalink,
    sent_at = :sent_at, last_error = :last_error, read_since = :read_since
WHERE delivery_id = :delivery_id AND state = :was;

-- tried
-- Messages that may be in the channel: of open ones those with an attempt, of sent ones those watched for copies.
SELECT * FROM messages
WHERE destination = :destination AND state IN ('pending', 'sending', 'unknown') AND attempts > 0
UNION ALL
SELECT * FROM messages WHERE destination = :destination AND state = 'sent' AND not_before IS NOT NULL;

-- save_attempt
-- Insert when it begins, replace when it ends.
INSERT OR REPLACE INTO attempts (delivery_id, number, started_at, ended_at, outcome, detail)
VALUES (:delivery_id, :number, :started_at, :ended_at, :outcome, :detail);

-- items
-- What a message tells; a replay, what the message that it repeats told.
SELECT n.id, n.destination, n.kind, e.event, m.facts, m.seen_at, NULL AS told_by
FROM notifications AS n
JOIN events AS e USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
WHERE n.delivery_id = coalesce((SELECT replay_of FROM messages WHERE delivery_id = :delivery_id), :delivery_id)
ORDER BY n.position;

-- attempts
-- In order.
SELECT * FROM attempts WHERE delivery_id = :delivery_id ORDER BY number;

-- move_doubtful
-- To another destination, marked by who asks: of these nobody knows whether they arrived.
UPDATE messages SET destination = :to, payload = :payload, state = 'pending', thread_of = NULL, not_before = NULL,
    unknown_since = NULL, repeat_possible = 1
WHERE delivery_id = :delivery_id AND state IN ('unknown', 'sending', 'pending');

-- move_their_notifications
-- Where the other destination has the event already, it stays where it was.
UPDATE OR IGNORE notifications SET destination = :to WHERE delivery_id = :delivery_id;

-- move_ops
-- What tells no event of its own moves as it is.
UPDATE messages SET destination = :to, thread_of = NULL, not_before = NULL
WHERE destination = :gone AND state = 'pending' AND (kind = 'ops' OR replay_of IS NOT NULL);

-- dissolve_notifications
-- What is in a message that was certainly not sent waits again.
UPDATE notifications SET delivery_id = NULL, position = NULL
WHERE delivery_id IN (SELECT delivery_id FROM messages WHERE destination = :gone AND state = 'pending');

-- dissolve_messages
-- Those messages are over.
UPDATE messages SET state = 'dead', not_before = NULL, last_error = 'moved to ' || :to
WHERE destination = :gone AND state = 'pending';

-- move_waiting
-- To another destination, unless that has the event already.
UPDATE OR IGNORE notifications SET destination = :to
WHERE destination = :gone AND delivery_id IS NULL AND closed = 0;

-- close_waiting
-- Nothing is to be sent for what still waits.
UPDATE notifications SET closed = 1 WHERE destination = :gone AND delivery_id IS NULL AND closed = 0;

-- tell_moved_echoes
-- An echo of what was never told there tells it.
UPDATE OR IGNORE notifications SET kind = 'message'
WHERE destination = :to AND kind = 'echo' AND delivery_id IS NULL AND closed = 0 AND NOT EXISTS (
    SELECT 1 FROM notifications AS told
    WHERE told.event_key = notifications.event_key AND told.destination = :to AND told.kind <> 'echo'
);

-- give_up_messages
-- All of a destination that are not sent.
UPDATE messages SET state = 'dead', not_before = NULL, last_error = 'given up'
WHERE destination = :gone AND state IN ('pending', 'sending', 'unknown');
