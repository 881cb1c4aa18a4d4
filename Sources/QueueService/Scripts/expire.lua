#!lua flags=allow-oom
-- Removes jobs that ended long ago, as many at a time as it is told.
--
-- KEYS[1]  the lane's root
-- ARGV     how many jobs at most
-- Result   how many were removed

local ids = redis.call('ZRANGE', key('ended'), '-inf', now_ms - retention_seconds * 1000, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
    local job = load(id)
    if job then
        for _, name in ipairs({'user_ended', 'user_dead'}) do redis.call('ZREM', key(name, job.user_id), id) end
        redis.call('HINCRBY', key('counts'), job.state, -1)
    end
    for _, name in ipairs({'ended', 'dead'}) do redis.call('ZREM', key(name), id) end
    redis.call('UNLINK', key('job', id), key('job_songs', id), key('job_failures', id))
end
return #ids
