#!lua
-- Puts the keys of a backup, which are staged under names of their own, in their places, all at once. Leases end, so that each
-- worker tells anew what it has.
--
-- KEYS[1]  what the names of all keys begin with
-- ARGV     what the names of the staged keys begin with (empty: only looks whether it could be done), whether users and jobs that
--          are there may go (0, 1), patterns of both beginnings, then what names begin with after the first that stay
-- Result   how many keys were put in their places
-- Errors   ILLEGAL: there are users or jobs, and they may not go

local prefix, stage, replaces = KEYS[1], ARGV[1], ARGV[2] == '1'

-- All names of a pattern. A name may come twice.
local function names(pattern)
    local found, cursor = {}, '0'
    repeat
        local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 10000)
        cursor = page[1]
        for _, name in ipairs(page[2]) do found[#found + 1] = name end
    until cursor == '0'
    return found
end

local jobs = 0
for lane = 0, (tonumber(redis.call('ZSCORE', prefix .. 'lanes', 'count') or nil) or 1) - 1 do
    local root = string.format('%s{%d}:', prefix, lane)
    jobs = jobs + redis.call('ZCARD', root .. 'live') + redis.call('ZCARD', root .. 'ended')
end
local users = redis.call('ZCARD', prefix .. 'users')
if users + jobs > 0 and not replaces then
    return redis.error_reply(string.format(
        'ILLEGAL there are %d users and %d jobs already, which would be lost; back them up, then allow them to be replaced', users, jobs))
end
if stage == '' then return 0 end

local staged = names(ARGV[4])
for _, name in ipairs(names(ARGV[3])) do
    local suffix = string.sub(name, #prefix + 1)
    local stays = false
    for index = 5, #ARGV do stays = stays or string.sub(suffix, 1, #ARGV[index]) == ARGV[index] end
    if not stays and (replaces or string.match(suffix, '^{%d+}:lease$')) then redis.call('UNLINK', name) end
end
local count = 0
for _, name in ipairs(staged) do
    if redis.call('EXISTS', name) == 1 then
        redis.call('RENAME', name, prefix .. string.sub(name, #stage + 1))
        count = count + 1
    end
end
return count
