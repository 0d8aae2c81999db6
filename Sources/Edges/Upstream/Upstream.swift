// The Upstream room.
