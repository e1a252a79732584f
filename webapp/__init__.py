"""What people and programs touch: the API, the pages, the command line and the all-in-one mode."""
