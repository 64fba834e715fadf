"""Headlines and moods in, numbers out: parsing, scoring, and the running mood of each asset."""
