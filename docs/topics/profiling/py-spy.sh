# Where is every thread of this process right now? No restart, no change.
py-spy dump --pid 4711

# A flame graph of thirty seconds, waiting threads included.
py-spy record --pid 4711 --duration 30 --idle --output slow.svg

# In a container the right to look must be granted first.
docker run --cap-add SYS_PTRACE shop
