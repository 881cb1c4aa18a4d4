// A program that links this counts its allocations, whoever makes them: Swift, the C libraries, the C library itself.

/// How many allocations there were since the program started, from all threads.
unsigned long allocation_count(void);
