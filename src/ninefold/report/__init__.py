"""What is shown of runs of back-tests: levels of detail, calendar tables, and the page of one file. Pure."""
