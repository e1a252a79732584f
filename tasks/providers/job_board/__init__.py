"""Sites that list job postings, each asked in its own way and answering alike."""
