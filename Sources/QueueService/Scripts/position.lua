#!lua flags=no-writes
-- Tells where a job stands in line, by ranks and counters.
--
-- KEYS[1]  the lane's root
-- ARGV     user id whose job it must be (empty: anybody's), job id
-- Result   the job's values; how many jobs of each class stand before it, the first class first; the class of the other job
--          that runs (-1: none does); that one's id, if it is the user's, too
-- Errors   NOTFOUND: no such job of this user

local user_id, job_id = ARGV[1], ARGV[2]
local job = load(job_id)
if not job or (user_id ~= '' and job.user_id ~= user_id) then return refuse('NOTFOUND', 'there is no job ' .. job_id) end

local ahead = {0, 0, 0}
if waits[job.state] then
    local before = string.format('(%.17g', score(job))
    local rank = redis.call('ZCOUNT', key('ready'), '-inf', before) + redis.call('ZCOUNT', key('ready_background'), '-inf', before)
    for class = 0, job.class - 1 do
        ahead[class + 1] = tonumber(redis.call('HGET', key('counts'), 'waiting_' .. rank_names[class + 1]) or 0)
        rank = rank - ahead[class + 1]
    end
    ahead[job.class + 1] = rank
end

local running = redis.call('GET', key('running'))
local other = running and running ~= job_id and load(running)
if not other or other.state ~= 'in_progress' then return {values(job), ahead, -1, ''} end
return {values(job), ahead, other.class, (user_id == '' or other.user_id == user_id) and running or ''}
