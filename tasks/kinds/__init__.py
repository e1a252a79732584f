"""One module a kind of job: what goes in, what comes out, and the work itself."""
