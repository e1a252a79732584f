"""Guards taken out one at a time, to see that the suite notices.

Nothing of the product imports this package or asks whether it is there. A module of it changes the
statements or functions that its own process has loaded, and only a test can bring it into one: the
fault harness names it to the process that it forks.
"""
