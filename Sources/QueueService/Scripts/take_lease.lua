#!lua flags=allow-oom
-- Takes a lease that nobody has, or prolongs one's own; or only prolongs it.
--
-- KEYS[1]  the lease
-- ARGV     token, length (in ms), whether it is only prolonged (0, 1)
-- Result   1; 0 where somebody else has it, or nobody and it is only prolonged

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] or not holder and ARGV[3] == '1' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
