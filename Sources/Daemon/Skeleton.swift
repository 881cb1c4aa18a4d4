enum DaemonSkeleton {}
