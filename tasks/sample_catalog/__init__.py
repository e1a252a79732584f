"""The catalog that ships with Textback: rendered objects, labelled as sample data wherever shown."""
