"""Not a guard: the sweeper beside each worker sweeps every second, so that a run is short."""

import tasks.sweeper

tasks.sweeper.SWEEP_SECONDS = 1.0
