// What Linux can do for a process from outside and Swift's Glibc module leaves out or shows under changing names.
#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// prlimit(2): sets a resource limit of another process. Returns 0, or -1 and sets errno.
static inline int linux_set_limit(pid_t pid, unsigned resource, unsigned long long soft, unsigned long long hard) {
    struct {
        unsigned long long soft, hard;
    } limit = {soft, hard};
    return (int)syscall(SYS_prlimit64, pid, resource, &limit, (void *)0);
}

/// clock_getcpuclockid(3): the CPU time that a process has used, in whole seconds. Returns 0, or the number of an error.
static inline int linux_cpu_seconds(pid_t pid, unsigned long long *seconds) {
    clockid_t clock;
    struct timespec used;
    int failure = clock_getcpuclockid(pid, &clock);
    if (failure == 0 && clock_gettime(clock, &used) != 0) failure = errno;
    if (failure == 0) *seconds = (unsigned long long)used.tv_sec;
    return failure;
}
