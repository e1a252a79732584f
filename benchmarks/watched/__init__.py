"""What benchmarks/watchers.py runs in processes of their own."""
