"""The bundled photograph, and the walk that shows what Textback does with it."""
