// The Bytes room.
