#!lua flags=allow-oom
-- Bars a user who is being removed: nothing more is written of them in this lane, whoever began to before; or lets them in again.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, for how long in ms (0: the user is let in)

local length_ms, hash = tonumber(ARGV[2]), user_hash(ARGV[1])
redis.call('ZREMRANGEBYSCORE', key('barred'), '-inf', now_ms)
if length_ms == 0 then
    redis.call('ZREM', key('barred'), hash)
else
    redis.call('ZADD', key('barred'), now_ms + length_ms, hash)
    redis.call('PEXPIRE', key('barred'), length_ms)
end
