"""What the fault tests stand on: servers, processes, ledger, load, chaos and checker."""
