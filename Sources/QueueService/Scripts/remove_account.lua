#!lua flags=allow-oom
-- Begins the removal of a user: from now on there is no such account but for another removal. Also where Redis is full, for it is
-- what makes room.
--
-- KEYS[1]  the account
-- ARGV     the time in ms
-- Result   "removed" and the user's lane; "gone" where there is no such account; "moving" where it is on the way to another lane

local lane, move = unpack(redis.call('HMGET', KEYS[1], 'lane', 'move'))
if not lane then return {'gone'} end
if move then return {'moving'} end
redis.call('HSETNX', KEYS[1], 'removed_at_ms', ARGV[1])
return {'removed', lane}
