#!lua flags=allow-oom
-- Looks at places of a lane where something may be wrong, and mends what is. The hash of a job is what counts; all else that is
-- said about the job follows from it.
--
-- KEYS[1]  the lane's root
-- ARGV     whether to mend (0, 1), then three for each place: the key's name, the job or user that it is of (empty: none), and
--          what is looked at in it: a member of an index, a field of a hash (empty: the key itself)
-- Result   for each thing that is wrong: ordinal of its place (from 1), what is wrong, what was done about it

local mends = ARGV[1] == '1'
local findings, ordinal = {}, 0

-- Says that something is wrong, and mends it by `repair`, which `done` tells about.
local function found(what, done, repair)
    if mends then repair() end
    findings[#findings + 1] = {ordinal, what, mends and done or ''}
end

local function describe(job) return 'job ' .. job.id .. ' (' .. job.state .. ')' end

-- Whether a job stands in an index where it should: at `wanted`, or nowhere.
local function check_place(job, name, user_id, wanted)
    local index = key(name, user_id)
    local actual = tonumber(redis.call('ZSCORE', index, job.id) or nil)
    if wanted and not actual then
        found(describe(job) .. ' is missing in ' .. name, 'added', function() redis.call('ZADD', index, wanted, job.id) end)
    elseif wanted and actual ~= wanted then
        found(
            describe(job) .. ' is out of place in ' .. name, 'moved', function() redis.call('ZADD', index, wanted, job.id) end)
    elseif actual and not wanted then
        found(describe(job) .. ' does not belong in ' .. name, 'removed', function() redis.call('ZREM', index, job.id) end)
    end
end

local function check_wish(job)
    local field, wishes = wish(job.type, job.force, job.target_id), key('user_wishes', job.user_id)
    local id = redis.call('HGET', wishes, field)
    local other = id and id ~= job.id and load(id)
    if ended[job.state] then
        if id == job.id then
            found(
                describe(job) .. ' is still what ' .. field .. ' asks for', 'removed',
                function() redis.call('HDEL', wishes, field) end)
        end
    elseif other and not ended[other.state] and wish(other.type, other.force, other.target_id) == field then
        found(
            describe(job) .. ' does what job ' .. id .. ' does, too', 'cancelled', function() transition(job, 'cancelled') end)
    elseif id ~= job.id then
        found(
            describe(job) .. ' is not found by what it was asked for, ' .. field, 'added',
            function() redis.call('HSET', wishes, field, job.id) end)
    end
end

local checks = {}

local function keys_of(id)
    return {
        key('job', id), key('job_songs', id), key('job_failures', id), key('job_aside', id), key('job_attempts', id),
    }
end

-- Whether the job's user is on the way to another lane, or has gone: what is here then is about to be completed or removed.
local function is_on_its_way(id)
    local user_id = redis.call('HGET', key('job', id), 'user_id')
    return user_id and is_moving(user_id)
end

function checks.job(id)
    if is_on_its_way(id) then return end
    local job = load(id)
    if not job or job.id ~= id or not ranks[job.type] or job.user_id == '' then
        if redis.call('EXISTS', key('job', id)) == 0 then return end
        return found('job ' .. id .. ' does not say what it is', 'removed, with its songs', function()
            redis.call('UNLINK', unpack(keys_of(id)))
        end)
    end
    if not rank_names[job.class + 1] then
        return found(describe(job) .. ' is of no class', 'given that of its type', function()
            job.class = ranks[job.type]
            store(job)
        end)
    end
    if not ended[job.state] and not transitions[job.state] then
        return found(describe(job) .. ' is in no state that there is', 'put in line', function()
            job.before.state, job.state = nil, 'pending'
            commit(job, 'worker_lost')
        end)
    end

    local line, has_ended, has_failed = line_of(job), ended[job.state], job.state == 'failed'
    if has_ended and job.ended_at_ms == 0 then
        found(describe(job) .. ' does not say when it ended', 'set to now', function()
            job.ended_at_ms = now_ms
            store(job)
        end)
    end
    check_place(job, 'ready', nil, line == 'ready' and score(job))
    check_place(job, 'ready_background', nil, line == 'ready_background' and score(job))
    check_place(job, 'due', nil, job.state == 'scheduled' and job.due_at_ms)
    check_place(job, 'live', nil, not has_ended and score(job))
    check_place(job, 'user_jobs', job.user_id, not has_ended and score(job))
    check_place(job, 'ended', nil, has_ended and job.ended_at_ms)
    check_place(job, 'user_ended', job.user_id, has_ended and job.ended_at_ms)
    check_place(job, 'dead', nil, has_failed and job.ended_at_ms)
    check_place(job, 'user_dead', job.user_id, has_failed and job.ended_at_ms)
    check_wish(job)

    if job.state == 'in_progress' and redis.call('GET', key('running')) ~= id then
        found(describe(job) .. ' does not run', 'put back in line', function() transition(job, 'worker_lost') end)
    end
    for _, name in ipairs(keys_of(id)) do
        if redis.call('PTTL', name) >= 0 then
            found(describe(job) .. ' would expire', 'kept', function() redis.call('PERSIST', name) end)
        end
    end
    local aside = redis.call('ZCARD', key('job_aside', id))
    if aside ~= job.aside then
        local what = string.format('%s has %d songs to be tried again and not %d', describe(job), aside, job.aside)
        found(what, has_ended and 'removed' or 'started over', function()
            if job.state == 'in_progress' then
                lose_running_item(false)
                job = load(id)
            end
            if has_ended then
                forget_aside(job)
                store(job)
            else
                start_over(job)
                commit(job, 'worker_lost')
            end
        end)
    end
    local songs = job.type == 'song' and job.total or redis.call('LLEN', key('job_songs', id))
    if songs ~= job.total and (has_failed or not has_ended) then
        found(string.format('%s has %d songs and not %d', describe(job), songs, job.total), 'failed', function()
            job.total, job.error = songs, 'the list of its songs was damaged'
            if has_failed then store(job) else transition(job, 'failed', {reason = job.error}) end
        end)
    end
end

for _, name in ipairs({'job_songs', 'job_failures', 'job_aside', 'job_attempts'}) do
    checks[name] = function(id)
        if redis.call('EXISTS', key('job', id)) == 0 and redis.call('EXISTS', key(name, id)) == 1 then
            found('there is no job ' .. id, 'removed', function() redis.call('UNLINK', key(name, id)) end)
        end
    end
end

-- An index names no job that does not exist, and a user's none of another user.
local function check_entry(name, user_id, id)
    local owner = redis.call('HGET', key('job', id), 'user_id')
    if redis.call('ZSCORE', key(name, user_id), id) and not (owner and (user_id == '' or owner == user_id)) then
        local what = owner and 'job ' .. id .. ' is not of user ' .. user_id or 'there is no job ' .. id
        found(what, 'removed', function() redis.call('ZREM', key(name, user_id), id) end)
    end
end
for _, name in ipairs({'ready', 'ready_background', 'due', 'live', 'ended', 'dead', 'user_jobs', 'user_ended', 'user_dead'}) do
    checks[name] = function(user_id, id)
        if not is_moving(user_id) then check_entry(name, user_id, id) end
    end
end

function checks.user_wishes(user_id, field)
    if is_moving(user_id) then return end
    local id = redis.call('HGET', key('user_wishes', user_id), field)
    local job = id and load(id)
    if id and not (job and job.user_id == user_id and field == wish(job.type, job.force, job.target_id)) then
        found('no job ' .. id .. ' does ' .. field, 'removed', function()
            redis.call('HDEL', key('user_wishes', user_id), field)
        end)
    end
end

function checks.user_backlog(user_id)
    if is_moving(user_id) then return end
    local left = redis.call('LLEN', key('user_backlog', user_id))
    local batches = redis.call(
        'HMGET', key('user_wishes', user_id), wish('background', 0, ''), wish('background', 1, ''))
    if left > 0 and not batches[1] and not batches[2] then
        found(
            string.format('%d songs wait for a batch that is not there', left), 'enqueued the next batch',
            function() create_batch(user_id, 0, ranks.background, '', 1) end)
    end
end

-- A song's mark names only analyzers whose results are stored.
function checks.user_analysed(user_id, song_id)
    if is_moving(user_id) then return end
    local words, missing = {}, {}
    for word in string.gmatch(redis.call('HGET', key('user_analysed', user_id), song_id) or '', '%S+') do
        local analyzer = string.match(word, '^[^@]*')
        local list = redis.call('HEXISTS', key('song_results', user_id, song_id), analyzer) == 1 and words or missing
        list[#list + 1] = word
    end
    if #missing > 0 then
        local what = 'song ' .. song_id .. ' has no result of ' .. table.concat(missing, ' ') .. ', which its mark names'
        found(what, 'to be analysed again', function()
            redis.call('HSET', key('user_analysed', user_id), song_id, table.concat(words, ' '))
        end)
    end
end

-- What results are about is known of those alone that a song's mark names, and leads to the song.
function checks.user_contents(user_id, field)
    if is_moving(user_id) then return end
    local contents = key('user_contents', user_id)
    local content, analyzer, song_id = redis.call('HGET', contents, field), string.match(field, '^(%S+) (.+)$')
    if not content then return end
    local version = string.match(content, '^(%S+) %x* %x*$')
    local mark = song_id and redis.call('HGET', key('user_analysed', user_id), song_id) or ''
    if not version or not has_word(mark, (analyzer or '') .. '@' .. version) then
        return found('there is no result ' .. field .. ', but what it is about', 'removed', function()
            if analyzer and version then forget_content(user_id, song_id, analyzer) end
            redis.call('HDEL', contents, field)
        end)
    end
    for _, entry in ipairs(content_entries(analyzer, content, song_id)) do
        if not redis.call('ZSCORE', key('user_identical', user_id), entry) then
            found('song ' .. song_id .. ' is not found by its content', 'added', function()
                redis.call('ZADD', key('user_identical', user_id), 0, entry)
            end)
        end
    end
end

function checks.user_identical(user_id, entry)
    if is_moving(user_id) then return end
    local analyzer, song_id = string.match(entry, '^(%S-)@%S+ %x+ (.+)$')
    local content = song_id and redis.call('HGET', key('user_contents', user_id), analyzer .. ' ' .. song_id)
    for _, wanted in ipairs(content and content_entries(analyzer, content, song_id) or {}) do
        if wanted == entry then return end
    end
    found('no song has the content ' .. entry, 'removed', function()
        redis.call('ZREM', key('user_identical', user_id), entry)
    end)
end

function checks.user_landmarks(user_id, song_id)
    if is_moving(user_id) or redis.call('HEXISTS', key('user_songs', user_id), song_id) == 1 then return end
    found('there is no song ' .. song_id .. ' to be found by how it sounds', 'removed', function()
        forget_landmarks(user_id, song_id)
    end)
end

function checks.user_landmark_songs(user_id, landmark)
    if is_moving(user_id) then return end
    local songs, kept, strangers = redis.call('HGET', key('user_landmark_songs', user_id), landmark), '', {}
    for song_id in string.gmatch(songs or '', '([^\n]+)\n?') do
        local landmarks = redis.call('HGET', key('user_landmarks', user_id), song_id) or ''
        if has_word(landmarks, landmark) then kept = kept .. song_id .. '\n' else strangers[#strangers + 1] = song_id end
    end
    if #strangers == 0 then return end
    found('song ' .. strangers[1] .. ' does not sound like ' .. landmark, 'removed', function()
        store_landmark_songs(user_id, landmark, kept)
    end)
end

-- Twins are linked both ways, as long as both are known to sound like anything.
function checks.song_twins(user_id, song_id)
    if is_moving(user_id) then return end
    local twins, landmarks = key('song_twins', user_id, song_id), key('user_landmarks', user_id)
    local links = redis.call('ZRANGE', twins, 0, -1, 'WITHSCORES')
    for index = 1, #links, 2 do
        local twin, rate = links[index], links[index + 1]
        local others = key('song_twins', user_id, twin)
        local known = redis.call('HMGET', landmarks, song_id, twin)
        if not known[1] or not known[2] then
            found('songs ' .. song_id .. ' and ' .. twin .. ' are no twins', 'removed', function()
                redis.call('ZREM', twins, twin)
                redis.call('ZREM', others, song_id)
            end)
        elseif redis.call('ZSCORE', others, song_id) ~= rate then
            found('song ' .. twin .. ' is not linked to its twin ' .. song_id, 'linked', function()
                redis.call('ZADD', others, rate, song_id)
            end)
        end
    end
end

function checks.running()
    local id = redis.call('GET', key('running'))
    if not id then return end
    local what = redis.call('EXISTS', key('job', id)) == 0 and 'there is no job ' .. id
        or redis.call('EXISTS', key('lease')) == 0 and 'job ' .. id .. ' runs, and no worker holds the lane'
    if what then found(what, 'taken back', function() lose_running_item(false) end) end
end

function checks.lease()
    if redis.call('PTTL', key('lease')) == -1 then
        found('the lease never ends', 'ended', function() redis.call('DEL', key('lease')) end)
    end
end

function checks.moves(_, user_id)
    local move = redis.call('HGET', key('moves'), user_id)
    local _, state = find_move(user_id)
    if move and not (state == 'coming' or state == 'here' or state == 'away') then
        found('the last move of user ' .. user_id .. ' is not understood', 'forgotten', function()
            redis.call('HDEL', key('moves'), user_id)
        end)
    end
end

for index = 2, #ARGV, 3 do
    ordinal = ordinal + 1
    local name, id, member = ARGV[index], ARGV[index + 1], ARGV[index + 2]
    checks[name](id, member)
end
return findings
