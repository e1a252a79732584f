"""Catalogs of products, searched by the vector of a picture."""
