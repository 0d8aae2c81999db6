// The Telemetry room.
