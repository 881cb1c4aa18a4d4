#!lua flags=allow-oom
-- Gives jobs of a user who was moved to this lane, and whose keys are all here, their places in it; in the order given, behind
-- those that are here already. Jobs that have theirs keep them.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, number of the move, whether the user has arrived with these jobs (0, 1), job ids
-- Result   the lane's hint
-- Errors   STALE: another move of the user came later
-- Event    moved, of each job that has not ended: to this lane, where it has another sequence

local user_id, number, is_last = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
if is_stale_move(user_id, number) then return refuse('STALE', 'user ' .. user_id .. ' has been moved again') end

for index = 4, #ARGV do
    local job = load(ARGV[index])
    if job and ended[job.state] then
        if redis.call('ZADD', key('ended'), 'NX', job.ended_at_ms, job.id) == 1 then
            if job.state == 'failed' then redis.call('ZADD', key('dead'), job.ended_at_ms, job.id) end
            count_job(job, 1)
        end
    elseif job and not redis.call('ZSCORE', key('live'), job.id) then
        job.sequence = redis.call('INCR', key('sequence'))
        store(job)
        add_to_indexes(job)
        local line = line_of(job)
        if line then redis.call('ZADD', key(line), score(job), job.id) end
        if job.state == 'scheduled' then redis.call('ZADD', key('due'), job.due_at_ms, job.id) end
        count_job(job, 1)
        append('moved', {epoch = job.epoch}, job)
    end
end
set_move(user_id, number, is_last and 'here' or 'coming')
return hint()
