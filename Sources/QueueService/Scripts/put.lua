#!lua flags=allow-oom
-- Stores a field of a hash, also where Redis is full: what the service must know of itself costs next to nothing.
--
-- KEYS[1]  the hash
-- ARGV     the field, its value

redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
