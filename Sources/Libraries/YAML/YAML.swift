// The YAML room.
