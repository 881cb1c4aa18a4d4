#!lua flags=allow-oom
-- Takes jobs of a user who is moved to another lane out of everything but the user's own keys. The first call, of no jobs, sees to
-- it that nothing more of the user's is changed in this lane.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, number of the move, job ids
-- Result   the lane's hint, the values of the jobs that have not ended and were begun: their children may be alive
-- Errors   STALE: another move of the user came later
-- Event    interrupted: in_progress ──▶ interrupted, to go on from its last finished song

local user_id, number = ARGV[1], tonumber(ARGV[2])
if is_stale_move(user_id, number) then return refuse('STALE', 'user ' .. user_id .. ' has been moved again') end
set_move(user_id, number, 'away')

local begun = {}
for index = 3, #ARGV do
    local job = load(ARGV[index])
    if job and job.user_id == user_id then
        if redis.call('GET', key('running')) == job.id then redis.call('DEL', key('running')) end
        local song_id = job.song_id
        job.claim, job.song_id = '', ''
        if job.state == 'in_progress' then transition(job, 'interrupted', {song_id = song_id, epoch = job.epoch}) end
        store(job)
        local has_ended = ended[job.state]
        if redis.call('ZREM', key(has_ended and 'ended' or 'live'), job.id) == 1 then
            for _, name in ipairs({'ready', 'ready_background', 'due', 'dead'}) do redis.call('ZREM', key(name), job.id) end
            count_job(job, -1)
        end
        if not has_ended and job.started_at_ms > 0 then begun[#begun + 1] = values(job) end
    end
end
return {hint(), begun}
