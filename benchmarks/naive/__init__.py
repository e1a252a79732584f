"""What a tutorial on Flask, Celery and SQLAlchemy ends with: the peer measured beside us."""
