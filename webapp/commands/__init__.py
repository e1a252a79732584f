"""Groups of the command line, each in a module of its own; they import what they need late."""
