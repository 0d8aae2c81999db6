// The SampleTorii room.
