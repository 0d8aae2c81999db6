// The JOSE room.
