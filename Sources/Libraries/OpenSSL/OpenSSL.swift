// The OpenSSL room.
