#!lua
-- Stores what a user thinks of a job that has ended.
--
-- KEYS[1]  the lane's root
-- ARGV     user id whose job it must be, job id, thumb (up, down; empty: what was said is taken back), comment
-- Result   the job's values
-- Errors   NOTFOUND: no such user, or job of theirs; ILLEGAL: it has not ended; MOVING
-- Event    rated; where the same was said before, nothing happens

local user_id, job_id, thumb, comment = unpack(ARGV)
local job = load(job_id)
if not job or job.user_id ~= user_id then return refuse('NOTFOUND', 'there is no job ' .. job_id) end
local refusal = refuse_absent(user_id)
if refusal then return refusal end
if not ended[job.state] then
    return refuse('ILLEGAL', 'job ' .. job_id .. ' is ' .. job.state .. '; it can be rated once it has ended')
end

if job.thumb ~= thumb or job.comment ~= comment then
    local before = job.thumb
    if thumb ~= '' and before ~= thumb then note('thumbs_' .. thumb, 1) end
    job.thumb, job.comment, job.rated_at_ms = thumb, comment, thumb ~= '' and now_ms or 0
    commit(job, 'rated', {reason = comment, from = before ~= thumb and before or nil})
end
return values(job)
