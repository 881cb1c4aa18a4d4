#!lua flags=allow-oom
-- Cancels jobs that have not ended, or replays jobs that failed, as many of them as are asked for and so many at a time.
--
-- KEYS[1]  the lane's root
-- ARGV     user id (empty: everybody's), type (empty: all), event (cancelled, replayed), score and offset at which to begin
--          (-inf and 0: at the beginning), how many jobs to look at
-- Result   the lane's hint, score (empty: there are no more) and offset at which to go on, the values of each job changed
-- Errors   MOVING; NOTFOUND: there is no such user any more whose jobs could be replayed
-- Event    the one given; a job of which the same work stands in line already is not replayed

local user_id, type, event, from, offset, count =
    ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])

local refusal = (event == 'replayed' and refuse_absent or refuse_moving)(user_id)
if refusal then return refusal end
local names = event == 'replayed' and {'dead', 'user_dead'} or {'live', 'user_jobs'}
local index = user_id == '' and key(names[1]) or key(names[2], user_id)
local entries = redis.call('ZRANGE', index, from, '+inf', 'BYSCORE', 'LIMIT', offset, count, 'WITHSCORES')
local changed = {}
for position = 1, #entries, 2 do
    local id, score = entries[position], entries[position + 1]
    if score ~= from then from, offset = score, 0 end
    local job = load(id)
    local fits = job and (type == '' or job.type == type) and after(job, event)
    if fits and not (event == 'replayed' and (find_twin(job) or refuse_absent(job.user_id))) then
        if event == 'replayed' then replay(job) else transition(job, event, {epoch = job.epoch}) end
        changed[#changed + 1] = values(job)
    else
        offset = offset + 1
    end
end
return {hint(), #entries == 2 * count and from or '', offset, changed}
