"""What contributors run: environments, builds, tests, looks and benchmarks."""
