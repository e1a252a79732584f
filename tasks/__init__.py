"""What happens later: workers, sweeps and clients of outside services. Knows no Flask."""
