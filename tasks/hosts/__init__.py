"""Ask hosts what they run and who can get in: one read-only collector on standard input, over one of few transports."""
