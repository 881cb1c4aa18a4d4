-- Which songs of a user sound the same. Of songs whose file or decoded audio is identical, one is credited with the results of
-- another. Acoustic twins, which differ by their encoding or loudness, are linked. Both follow from what analyzers report with their
-- results (AudioIdentity), and go with them.

-- How many songs a sub-fingerprint leads to; one that so many songs share (silence, for one) tells them apart no more.
local landmark_songs = 50

local function has_word(mark, word) return string.find(' ' .. mark .. ' ', ' ' .. word .. ' ', 1, true) ~= nil end

-- Whether a song's mark (such as "audio@1 lyrics@3") names all enabled analyzers.
local function is_fresh(mark)
    if not mark then return false end
    for _, word in ipairs(analyzers) do
        if not has_word(mark, word) then return false end
    end
    return true
end

-- The mark with those of `versions` (analyzer → version) in it.
local function merge_mark(mark, versions)
    local words = {}
    for analyzer, version in string.gmatch(mark, '(%S+)@(%S+)') do
        if not versions[analyzer] then words[#words + 1] = analyzer .. '@' .. version end
    end
    for analyzer, version in pairs(versions) do words[#words + 1] = analyzer .. '@' .. version end
    return table.concat(words, ' ')
end

-- The members of the index of identical songs that a song has by what is stored of its content.
local function content_entries(analyzer, content, song_id)
    local version, file_hash, audio_hash = string.match(content, '^(%S+) (%x*) (%x*)$')
    local entries = {}
    for _, hash in ipairs({file_hash, audio_hash}) do
        if hash ~= '' then entries[#entries + 1] = analyzer .. '@' .. version .. ' ' .. hash .. ' ' .. song_id end
    end
    return entries
end

local function forget_content(user_id, song_id, analyzer)
    local field = analyzer .. ' ' .. song_id
    local content = redis.call('HGET', key('user_contents', user_id), field)
    if not content then return end
    for _, entry in ipairs(content_entries(analyzer, content, song_id)) do
        redis.call('ZREM', key('user_identical', user_id), entry)
    end
    redis.call('HDEL', key('user_contents', user_id), field)
end

-- Stores what a result is about; without hashes, nothing is known of it.
local function set_content(user_id, song_id, analyzer, version, file_hash, audio_hash)
    forget_content(user_id, song_id, analyzer)
    if file_hash == '' and audio_hash == '' then return end
    local content = version .. ' ' .. file_hash .. ' ' .. audio_hash
    redis.call('HSET', key('user_contents', user_id), analyzer .. ' ' .. song_id, content)
    for _, entry in ipairs(content_entries(analyzer, content, song_id)) do
        redis.call('ZADD', key('user_identical', user_id), 0, entry)
    end
end

-- A song with an analyzer's result whose file or decoded audio is one of these, and the result's bytes; nil where there is none.
local function find_identical(user_id, analyzer, version, hashes)
    local word = analyzer .. '@' .. version
    for _, hash in ipairs(hashes) do
        local prefix = word .. ' ' .. hash .. ' '
        local entry = hash ~= '' and redis.call(
            'ZRANGE', key('user_identical', user_id), '[' .. prefix, '(' .. prefix .. '\255', 'BYLEX', 'LIMIT', 0, 1)[1]
        local song_id = entry and string.sub(entry, #prefix + 1)
        local mark = song_id and redis.call('HGET', key('user_analysed', user_id), song_id)
        local bytes = mark and has_word(mark, word) and redis.call(
            'HGET', key('song_results', user_id, song_id), analyzer)
        if bytes then return song_id, bytes end
    end
end

-- Gives a song whose results are stale those of songs with the same content. Returns its mark. What it takes over is as old as it was.
local function credit(user_id, song_id, mark)
    local versions, analysed_at_ms = {}, nil
    for _, word in ipairs(analyzers) do
        local analyzer, version = string.match(word, '^(.*)@(.*)$')
        local content = not has_word(mark, word) and redis.call('HGET', key('user_contents', user_id), analyzer .. ' ' .. song_id)
        local file_hash, audio_hash = string.match(content or '', '^%S+ (%x*) (%x*)$')
        local source, bytes
        if file_hash then source, bytes = find_identical(user_id, analyzer, version, {file_hash, audio_hash}) end
        if source then
            local highlights = key('user_highlights', user_id)
            redis.call('HSET', key('song_results', user_id, song_id), analyzer, bytes)
            redis.call(
                'HSET', highlights, analyzer .. ' ' .. song_id, redis.call('HGET', highlights, analyzer .. ' ' .. source) or '{}')
            set_content(user_id, song_id, analyzer, version, file_hash, audio_hash)
            versions[analyzer] = version
            local at_ms = tonumber(redis.call('HGET', key('user_analysed_at', user_id), source) or nil) or now_ms
            analysed_at_ms = math.min(analysed_at_ms or at_ms, at_ms)
        end
    end
    if not analysed_at_ms then return mark end
    mark = merge_mark(mark, versions)
    redis.call('HSET', key('user_analysed', user_id), song_id, mark)
    if is_fresh(mark) then
        redis.call('HSET', key('user_analysed_at', user_id), song_id, analysed_at_ms)
        redis.call('HDEL', key('user_failures', user_id), song_id)
    end
    return mark
end

-- Has a sub-fingerprint lead to these songs alone, each with a line's end behind it.
local function store_landmark_songs(user_id, landmark, songs)
    local index = key('user_landmark_songs', user_id)
    if songs == '' then redis.call('HDEL', index, landmark) else redis.call('HSET', index, landmark, songs) end
end

local function forget_landmarks(user_id, song_id)
    local index = key('user_landmark_songs', user_id)
    for landmark in string.gmatch(redis.call('HGET', key('user_landmarks', user_id), song_id) or '', '%S+') do
        local kept = ''
        for id in string.gmatch(redis.call('HGET', index, landmark) or '', '([^\n]+)\n') do
            if id ~= song_id then kept = kept .. id .. '\n' end
        end
        store_landmark_songs(user_id, landmark, kept)
    end
    redis.call('HDEL', key('user_landmarks', user_id), song_id)
end

-- Has a song found by these sub-fingerprints; none: by nothing.
local function set_landmarks(user_id, song_id, landmarks)
    forget_landmarks(user_id, song_id)
    if landmarks == '' then return end
    local index = key('user_landmark_songs', user_id)
    for landmark in string.gmatch(landmarks, '%S+') do
        local songs = redis.call('HGET', index, landmark) or ''
        local _, count = string.gsub(songs, '\n', '')
        if count < landmark_songs then store_landmark_songs(user_id, landmark, songs .. song_id .. '\n') end
    end
    redis.call('HSET', key('user_landmarks', user_id), song_id, landmarks)
end

local function forget_twins(user_id, song_id)
    local twins = key('song_twins', user_id, song_id)
    for _, twin in ipairs(redis.call('ZRANGE', twins, 0, -1)) do
        redis.call('ZREM', key('song_twins', user_id, twin), song_id)
    end
    redis.call('DEL', twins)
end

-- Links a song to its acoustic twins, each a bit-error rate and a song id in turn; those that are gone are left out.
local function set_twins(user_id, song_id, twins)
    forget_twins(user_id, song_id)
    for index = 1, #twins, 2 do
        local rate, twin = twins[index], twins[index + 1]
        if redis.call('HEXISTS', key('user_landmarks', user_id), twin) == 1 then
            redis.call('ZADD', key('song_twins', user_id, song_id), rate, twin)
            redis.call('ZADD', key('song_twins', user_id, twin), rate, song_id)
        end
    end
end

-- A song is not known to sound like any other.
local function forget_sound(user_id, song_id)
    for _, analyzer in ipairs(redis.call('HKEYS', key('song_results', user_id, song_id))) do
        forget_content(user_id, song_id, analyzer)
    end
    forget_landmarks(user_id, song_id)
    forget_twins(user_id, song_id)
end
