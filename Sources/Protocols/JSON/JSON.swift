// The JSON room.
