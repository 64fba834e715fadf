"""One file per exchange: how it differs, as data and small pure parsers."""
