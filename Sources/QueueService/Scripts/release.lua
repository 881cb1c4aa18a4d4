#!lua flags=allow-oom
-- Ends a worker's lease of a lane, if it still holds it, and puts the running item of a lane that nobody holds back in line.
--
-- KEYS[1]  the lane's root
-- ARGV     worker id and lease; both empty: only looks whether the lane's lease has expired
-- Result   the lane's hint; its worker is empty where nobody holds the lane
-- Event    worker_lost: in_progress ──▶ pending

local holder = redis.call('HMGET', key('lease'), 'worker', 'token')
if holder[1] and holder[1] == ARGV[1] and holder[2] == ARGV[2] then
    redis.call('DEL', key('lease'))
    holder[1] = false
end
if not holder[1] then lose_running_item() end
return hint()
