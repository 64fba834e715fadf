"""History from the venues: what to ask, how answers are read, where they are kept, and the edge that asks."""
