#!lua flags=allow-oom
-- Cancels, pauses, resumes, reprioritises, replays or retries a job.
--
-- KEYS[1]  the lane's root
-- ARGV     user id whose job it must be (empty: anybody's), job id, event (cancelled, paused, resumed, reprioritised,
--          replayed, retried), the class that it is reprioritised to
-- Result   the job's values, the lane's hint
-- Errors   NOTFOUND: no such user, or job of theirs; ILLEGAL: the job's state does not allow it, or the same work stands in line
--          already; MOVING
-- Event    the one given, as the table says; asked of a job that is there already, nothing happens. Retried: replayed, of a
--          job that failed; due, where it waits for songs to be tried again
--
-- What runs keeps its lane until its worker has reported it.

local user_id, job_id, event, class = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local job = load(job_id)
if not job or (user_id ~= '' and job.user_id ~= user_id) then return refuse('NOTFOUND', 'there is no job ' .. job_id) end
local refusal = refuse_absent(job.user_id)
if refusal then return refusal end

if event == 'retried' and job.state == 'failed' then event = 'replayed' end
if event == 'reprioritised' and not ended[job.state] then
    reprioritise(job, class)
elseif event == 'retried' and not ended[job.state] then
    retry_now(job)
elseif event == 'replayed' and after(job, event) then
    local twin = find_twin(job)
    if twin then return refuse('ILLEGAL', 'job ' .. twin .. ' does what job ' .. job_id .. ' would do again') end
    replay(job)
elseif after(job, event) then
    transition(job, event, {epoch = job.epoch})
elseif not (event == job.state or ((event == 'resumed' or event == 'replayed') and (waits[job.state] or job.state == 'in_progress' or job.state == 'scheduled'))) then
    return refuse('ILLEGAL', 'job ' .. job_id .. ' is ' .. job.state .. ' and cannot be ' .. event)
end
return {values(job), hint()}
