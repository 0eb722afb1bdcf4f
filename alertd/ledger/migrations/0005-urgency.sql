-- What is told first: 4 critical to 0 info, as the rule of the gravest event says. What is listed from the past is not urgent.
ALTER TABLE notifications ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
UPDATE notifications SET urgency = coalesce((
    SELECT CASE json_extract(m.facts, '$.severity')
        WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 END
    FROM matches AS m WHERE m.event_key = notifications.event_key AND m.rule_set = notifications.rule_set
), 0)
WHERE kind <> 'baseline' AND id IN (  -- by indices: most of what is there was sent long ago
    SELECT id FROM notifications WHERE delivery_id IS NULL AND closed = 0
    UNION ALL
    SELECT n.id FROM messages AS g INDEXED BY messages_by_state CROSS JOIN notifications AS n USING (delivery_id)
    WHERE g.state <> 'sent'
);
UPDATE messages SET urgency = coalesce((
    SELECT max(n.urgency) FROM notifications AS n WHERE n.delivery_id = messages.delivery_id
), 0)
WHERE rowid IN (SELECT rowid FROM messages INDEXED BY messages_by_state WHERE state <> 'sent');
DROP INDEX notifications_waiting;
CREATE INDEX notifications_waiting ON notifications (destination, kind, urgency DESC, event_time, id, rule_set)
    WHERE delivery_id IS NULL AND closed = 0;
CREATE INDEX messages_pending ON messages (destination, replay_of IS NOT NULL, urgency DESC, seq) WHERE state = 'pending';
CREATE INDEX messages_sent ON messages (destination, sent_at) WHERE state = 'sent';
DROP INDEX matches_by_rule_set;
CREATE INDEX matches_by_rule_set ON matches (rule_set, seen_at, kind);

-- Rule sets whose look into the past is not complete: what it has found so far is told when it is.
CREATE TABLE baselines (
    rule_set TEXT PRIMARY KEY
) STRICT;
