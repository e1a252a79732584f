"""Real servers that live inside the program's own folder: Postgres and Valkey from wheels."""
