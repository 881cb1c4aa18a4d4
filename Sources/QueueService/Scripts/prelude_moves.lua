-- Users who are on their way from one lane to another, or have gone. Of each move since the user was made, the lane remembers the
-- number, which rises, so that an attempt that was overtaken by another changes nothing.

-- Number and state of the user's last move that this lane had to do with: coming, here or away; nil where there is none.
local function find_move(user_id)
    local number, state = string.match(redis.call('HGET', key('moves'), user_id) or '', '^(%d+) (%a+)$')
    return tonumber(number), state
end

local function is_stale_move(user_id, number) return (find_move(user_id) or 0) > number end

local function set_move(user_id, number, state)
    redis.call('HSET', key('moves'), user_id, string.format('%d %s', number, state))
end

-- Whether nothing of the user's may be changed in this lane.
local function is_moving(user_id)
    local _, state = find_move(user_id)
    return state ~= nil and state ~= 'here'
end

-- What such a change is refused with; nil where it may be made.
local function refuse_moving(user_id)
    return is_moving(user_id) and refuse('MOVING', 'user ' .. user_id .. ' is being moved to another lane') or nil
end

-- What stands for a user who is gone: nothing may name them.
local function user_hash(user_id) return redis.sha1hex(user_id) end

-- What a change is refused with that adds to what the user has; nil where it may be made.
local function refuse_absent(user_id)
    local until_ms = redis.call('ZSCORE', key('barred'), user_hash(user_id))
    if until_ms and tonumber(until_ms) > now_ms then return refuse('NOTFOUND', 'there is no user ' .. user_id) end
    return refuse_moving(user_id)
end

-- Adds a job to the lane's counters, or takes it out (-1).
local function count_job(job, change)
    count(job.state, change)
    if line_of(job) then count('waiting_' .. rank_names[job.class + 1], change) end
    count('audio_ms_waiting', change * audio_ahead(job))
end
