-- A message that tells once more, at an operator's word, what another one told. Its events stay with that one.
ALTER TABLE messages ADD COLUMN replay_of TEXT REFERENCES messages ON DELETE SET NULL;
CREATE INDEX messages_by_replay ON messages (replay_of) WHERE replay_of IS NOT NULL;
