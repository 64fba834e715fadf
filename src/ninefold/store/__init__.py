"""What is kept on disk: Delta tables, the ledger, and the ways out of them (reader, export, SQL, data frames)."""
