-- From when on a channel is read for a message that was tried: before its first attempt, whatever the clock was then.
ALTER TABLE messages ADD COLUMN read_since INTEGER;
UPDATE messages SET read_since = created_at - 3600000000
WHERE attempts > 0 AND (state IN ('pending', 'sending', 'unknown') OR (state = 'sent' AND not_before IS NOT NULL));
