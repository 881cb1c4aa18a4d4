enum RedisSkeleton {}
