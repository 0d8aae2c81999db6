// The Edge room.
