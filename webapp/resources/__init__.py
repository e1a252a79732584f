"""The JSON API, one file a noun, and the few other addresses that programs call."""
