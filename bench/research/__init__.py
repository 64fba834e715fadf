"""What the research side reaches, and how far its verdicts can be trusted."""
