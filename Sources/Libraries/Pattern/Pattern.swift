// The Pattern room.
