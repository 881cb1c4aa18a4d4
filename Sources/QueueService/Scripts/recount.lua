#!lua flags=allow-oom
-- Replaces the lane's counters by what was recounted, unless the lane has changed since.
--
-- KEYS[1]  the lane's root
-- ARGV     the mark of the tally, names and counts in turn
-- Result   whether they were replaced (0, 1)

if lane_mark() ~= ARGV[1] then return 0 end
redis.call('DEL', key('counts'))
for index = 2, #ARGV, 2 do redis.call('HSET', key('counts'), ARGV[index], ARGV[index + 1]) end
return 1
