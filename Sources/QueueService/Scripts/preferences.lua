#!lua flags=allow-oom
-- Stores what a user has set about background work, and whether a song of it may be begun as the time is.
--
-- KEYS[1]  the lane's root
-- ARGV     user id, whether the preferences are new (1), or only the time is (0), the preferences, whether they allow background
--          work (0, 1), the least number of milliseconds between the beginnings of two songs (0: any), why none may be begun
--          now (empty: one may), until when that holds, in ms (0: for ever)
-- Result   the lane's hint
-- Errors   MOVING; NOTFOUND: there is no such user any more
-- Event    due: scheduled ──▶ pending, where the preferences are new: what waits for a time may wait for another, or for none
--
-- Where only the time is new and others have been stored meanwhile, nothing is changed. It costs no memory, and what a worker waits
-- for, also of a user who is on the way to this lane.

local user_id, are_new, message, allowed, interval_ms, reason, until_ms = unpack(ARGV)
local refusal = are_new == '1' and refuse_absent(user_id)
if refusal then return refusal end
local stored = key('user_preferences', user_id)
if are_new == '1' or redis.call('HGET', stored, 'message') == message then
    redis.call(
        'HSET', stored, 'message', message, 'allowed', allowed, 'interval_ms', interval_ms, 'reason', reason,
        'until_ms', until_ms)
end
for force = 0, are_new == '1' and 1 or -1 do
    local id = redis.call('HGET', key('user_wishes', user_id), wish('background', force, ''))
    local job = id and load(id)
    if job and job.state == 'scheduled' and job.waits_for ~= '' then transition(job, 'due') end
end
return hint()
