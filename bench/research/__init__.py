"""Back-tests and formulas: ninefold beside its peers."""
