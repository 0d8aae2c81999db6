// The KomainuTesting room.
