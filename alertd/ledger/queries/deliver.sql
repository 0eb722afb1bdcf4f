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

-- waiting
-- The same, oldest event first, with what a message needs. told_by: the message that told the event itself.
SELECT n.id, n.destination, n.kind, e.event, m.facts, m.seen_at, told.delivery_id AS told_by
FROM notifications AS n
JOIN events AS e USING (event_key)
JOIN matches AS m USING (event_key, rule_set)
LEFT JOIN notifications AS told
    ON n.kind = 'echo' AND told.event_key = n.event_key AND told.destination = n.destination AND told.kind <> 'echo'
WHERE n.destination = :destination AND n.kind = :kind AND n.delivery_id IS NULL AND n.closed = 0
ORDER BY n.event_time, n.id
LIMIT :limit;

-- insert_message
-- seq keeps the order in which messages were frozen.
INSERT INTO messages (
    delivery_id, seq, destination, kind, payload, created_at, state, thread_of, attempts, not_before, attempted_at,
    unknown_since, negative_reads, plain, repeat_possible, sweeps, channel, ts, permalink, sent_at, last_error,
    replay_of
) VALUES (
    :delivery_id, (SELECT coalesce(max(seq), 0) + 1 FROM messages), :destination, :kind, :payload, :created_at, :state,
    :thread_of, :attempts, :not_before, :attempted_at, :unknown_since, :negative_reads, :plain, :repeat_possible,
    :sweeps, :channel, :ts, :permalink, :sent_at, :last_error, :replay_of
);

-- put_into_message
-- A notification goes into one message, once.
UPDATE notifications SET delivery_id = :delivery_id, position = :position
WHERE id = :id AND delivery_id IS NULL AND closed = 0;

-- close_notification
-- Nothing is to be sent for it.
UPDATE notifications SET closed = 1 WHERE id = :id AND delivery_id IS NULL;

-- next_pending
-- News before replays. A pause never lasts two hours: one that ends later was set before the clock was put back.
SELECT m.* FROM messages AS m LEFT JOIN messages AS parent ON parent.delivery_id = m.thread_of
WHERE m.destination = :destination AND m.state = 'pending'
    AND (m.not_before IS NULL OR m.not_before <= :now OR m.not_before > :now + 7200000000)
    AND (m.thread_of IS NULL OR parent.state IN ('sent', 'dead'))
ORDER BY m.replay_of IS NOT NULL, m.seq LIMIT 1;

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
    sent_at = :sent_at, last_error = :last_error
WHERE delivery_id = :delivery_id AND state = :was;

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
