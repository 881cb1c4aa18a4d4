enum RPCSkeleton {}
