#!lua flags=allow-oom
-- Ends a worker's lease of a lane, if it still holds it, puts the running item of a lane that nobody holds back in line,
-- and ends what has had its time: a pause, a wait after the clock was set back, the breaker of an analyzer that was removed.
--
-- KEYS[1]  the lane's root
-- ARGV     worker id and lease; both empty: only looks whether the lane's lease has expired
-- Result   the lane's hint; its worker is empty where nobody holds the lane
-- Events   worker_lost: in_progress ──▶ pending; failed, where it took its worker down too often. A worker that gives its lane
--          back has not gone down. queue_resumed. breaker_closed. due: scheduled ──▶ pending

local holder = redis.call('HMGET', key('lease'), 'worker', 'token')
local is_given_back = holder[1] and holder[1] == ARGV[1] and holder[2] == ARGV[2]
if is_given_back then
    redis.call('DEL', key('lease'))
    holder[1] = false
end
if not holder[1] then lose_running_item(not is_given_back) end
local pause = find_pause()
if pause and pause.is_over then end_pause('the pause has had its time') end
wake_due()
wake_overdue()
close_removed_breakers()
return hint()
