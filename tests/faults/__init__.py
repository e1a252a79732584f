"""The product under fire: real processes, broken at random and on purpose; see docs/FAULTS.md."""
