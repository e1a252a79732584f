"""The web application as it is, but for the number of streams one account may have open: the five
hundred watchers of one job are one person's here.
"""
# ruff: noqa: I001 - wsgi looks that nothing of ours was imported before gevent's patch.

from webapp.wsgi import application
from webapp import places

places.MOST_OF_ONE = places.MOST

__all__ = ["application"]
