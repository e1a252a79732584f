"""The catalog that ships with Textback: rendered objects, labelled wherever they are shown."""
