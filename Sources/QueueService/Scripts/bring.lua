#!lua
-- Stores keys of a user who is being moved to this lane, in place of those that an attempt before may have stored.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, number of the move, then three for each key: what stands in it after the root's colon, its time to live in
--          ms (0: for ever), its value as DUMP tells it
-- Result   how many keys
-- Errors   STALE: another move of the user came later, or this one has ended

local user_id, number = ARGV[1], tonumber(ARGV[2])
local last, state = find_move(user_id)
if is_stale_move(user_id, number) or (last == number and state == 'here') then
    return refuse('STALE', 'user ' .. user_id .. ' has been moved again')
end
set_move(user_id, number, 'coming')
for index = 3, #ARGV, 3 do
    redis.call('RESTORE', root .. ':' .. ARGV[index], ARGV[index + 1], ARGV[index + 2], 'REPLACE')
end
return (#ARGV - 2) / 3
