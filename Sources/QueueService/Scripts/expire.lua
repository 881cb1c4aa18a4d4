#!lua flags=allow-oom
-- Removes jobs that ended long ago, or all of a user's that have ended; as many at a time as it is told.
--
-- KEYS[1]  the lane's root
-- ARGV     how many jobs at most, user id (empty: everybody's that had their time)
-- Result   how many were removed
-- Errors   MOVING

local count, user_id = ARGV[1], ARGV[2]
local refusal = refuse_moving(user_id)
if refusal then return refusal end
local index = user_id == '' and key('ended') or key('user_ended', user_id)
local until_ms = user_id == '' and now_ms - retention_seconds * 1000 or '+inf'
local ids = redis.call('ZRANGE', index, '-inf', until_ms, 'BYSCORE', 'LIMIT', 0, count)
for _, id in ipairs(ids) do
    local job = load(id)
    if job then
        for _, name in ipairs({'user_ended', 'user_dead'}) do redis.call('ZREM', key(name, job.user_id), id) end
        redis.call('HINCRBY', key('counts'), job.state, -1)
    end
    for _, name in ipairs({'ended', 'dead'}) do redis.call('ZREM', key(name), id) end
    -- Also of a job that is damaged or gone.
    redis.call('ZREM', index, id)
    redis.call('UNLINK', key('job', id), key('job_songs', id), key('job_failures', id))
end
return #ids
