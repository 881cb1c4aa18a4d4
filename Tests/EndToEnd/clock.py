"""A Redis whose clock a test moves."""

import pathlib
import shutil
import struct
import subprocess

# Redis tells the time by gettimeofday.
JUMPING_CLOCK = """
#include <stdlib.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static volatile long *offset;
    if (!offset) offset = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, open(getenv("CLOCK_OFFSET"), O_RDONLY), 0);
    struct timespec real;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
    now->tv_sec = real.tv_sec + *offset;
    now->tv_usec = real.tv_nsec / 1000;
    return 0;
}
"""


class Clock:
    """`redis` is a redis-server that goes by this clock."""

    def __init__(self, folder: pathlib.Path):
        self.redis, self._offset = folder / "bin/redis-server", folder / "offset"
        self._offset.write_bytes(struct.pack("q", 0))
        (folder / "clock.c").write_text(JUMPING_CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "clock.so", folder / "clock.c"], check=True)
        self.redis.parent.mkdir()
        self.redis.write_text(
            f'#!/bin/sh\nexport LD_PRELOAD={folder}/clock.so CLOCK_OFFSET={self._offset}\n'
            f'exec {shutil.which("redis-server")} "$@"\n')
        self.redis.chmod(0o755)

    def jump(self, hours: int):
        """From now on it tells the time so many hours from the right one."""
        with open(self._offset, "r+b") as file:
            file.write(struct.pack("q", 3600 * hours))
