#!lua
-- Takes a user's account through a move to another lane. Each attempt has a number, greater than those before it; an earlier one
-- that is still at it gets nowhere from then on.
--
-- KEYS[1]  the account
-- ARGV     step: begin, with the lane to which; switch (everything has been copied) or end, with the number of the attempt
-- Result   number of the attempt, lane from which, lane to which, lane in which the user is; "there" where the user is in that
--          lane already; "gone" where there is no such user; "busy" and a lane, where a move to that lane has not ended; "stale"
--          where another attempt has begun
--
-- Whose move has not ended can be moved to where they come from: then that lane is where they arrive.

local step, argument = ARGV[1], ARGV[2]
local lane, removed, move = unpack(redis.call('HMGET', KEYS[1], 'lane', 'removed_at_ms', 'move'))
if not lane or removed then return {'gone'} end
local number, from, to = string.match(move or '', '^(%d+) (%S+) (%S+)$')

if step ~= 'begin' then
    if number ~= argument then return {'stale'} end
    if step == 'switch' then redis.call('HSET', KEYS[1], 'lane', to) else redis.call('HDEL', KEYS[1], 'move') end
    return {number, from, to, to}
end
if not move then
    if argument == lane then return {'there'} end
    from, to = lane, argument
elseif argument ~= to then
    if argument ~= lane then return {'busy', to} end
    from, to = to, from
end
number = redis.call('HINCRBY', KEYS[1], 'moves', 1)
redis.call('HSET', KEYS[1], 'move', number .. ' ' .. from .. ' ' .. to)
return {tostring(number), from, to, lane}
