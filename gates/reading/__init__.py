"""JSON and YAML of strangers → plain data → typed values, with the place of what is wrong."""
