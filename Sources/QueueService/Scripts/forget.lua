#!lua flags=allow-oom
-- Removes keys of a user who has been moved to another lane.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, number of the move, what stands in each key after the root's colon
-- Result   how many keys there were
-- Errors   STALE: another move of the user came later

local user_id, number = ARGV[1], tonumber(ARGV[2])
if is_stale_move(user_id, number) then return refuse('STALE', 'user ' .. user_id .. ' has been moved again') end
set_move(user_id, number, 'away')
local removed = 0
for index = 3, #ARGV do removed = removed + redis.call('UNLINK', root .. ':' .. ARGV[index]) end
return removed
