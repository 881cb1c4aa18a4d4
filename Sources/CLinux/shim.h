// What Linux can do for a process from outside and Swift's Glibc module leaves out, because the C library declares it only
// for _GNU_SOURCE.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/// prlimit(2): sets a resource limit of another process. Returns 0, or -1 and sets errno.
static inline int linux_set_limit(pid_t pid, unsigned resource, unsigned long long soft, unsigned long long hard) {
    struct {
        unsigned long long soft, hard;
    } limit = {soft, hard};
    return (int)syscall(SYS_prlimit64, pid, resource, &limit, (void *)0);
}
