// The Redaction room.
