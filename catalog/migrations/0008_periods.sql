-- Whoever asks about a period finds its events without reading the rest: of one type, or of every type.
CREATE INDEX events_by_time ON events (at);

CREATE INDEX events_by_type_and_time ON events (type, at);
