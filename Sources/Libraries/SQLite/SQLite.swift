// The SQLite room.
