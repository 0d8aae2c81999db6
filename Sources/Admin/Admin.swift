// The Admin room.
