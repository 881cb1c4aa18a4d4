#!lua
-- Changes an account that is there: what comes after a removal must not bring a part of it back.
--
-- KEYS[1]  the account
-- ARGV     fields: names and values in turn
-- Result   1; 0 where there is no such user, any more

local lane, removed = unpack(redis.call('HMGET', KEYS[1], 'lane', 'removed_at_ms'))
if not lane or removed then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
