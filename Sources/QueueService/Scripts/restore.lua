#!lua flags=allow-cross-slot-keys
-- Puts the keys of a backup, which are staged under names of their own, in their places, all that are on this server at once.
-- Leases end, so that each worker tells anew what it has, and so do the bars of users who were removed, and may be back.
--
-- KEYS[1]  any name on this server
-- ARGV     what the names of all keys begin with, what the names of the staged keys begin with, patterns of both, whether users
--          and jobs that are there may go (0, 1), then what names begin with after the first that stay
-- Result   how many keys were put in their places
-- Errors   ILLEGAL: there are users or jobs, and they may not go

local prefix, stage, replaces = ARGV[1], ARGV[2], ARGV[5] == '1'

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

local going, places = {}, {}
for _, name in ipairs(names(ARGV[3])) do
    local suffix = string.sub(name, #prefix + 1)
    local isIndex = suffix == 'users' or string.match(suffix, '^{%d+}:live$') or string.match(suffix, '^{%d+}:ended$')
    if isIndex and not replaces and redis.call('ZCARD', name) > 0 then
        return redis.error_reply('ILLEGAL somebody has come or asked for something meanwhile, which would be lost')
    end
    local stays = false
    for index = 6, #ARGV do stays = stays or string.sub(suffix, 1, #ARGV[index]) == ARGV[index] end
    local goesAnyway = string.match(suffix, '^{%d+}:lease$') or string.match(suffix, '^{%d+}:barred$')
    if not stays and (replaces or goesAnyway) then going[#going + 1] = name end
end
for _, name in ipairs(names(ARGV[4])) do
    -- After what they all begin with stands a tag, by which they are on the servers of their places.
    places[name] = prefix .. string.match(string.sub(name, #stage + 1), '^{[^}]*}(.*)$')
end
for _, name in ipairs(going) do redis.call('UNLINK', name) end
local count = 0
for name, place in pairs(places) do
    redis.call('RENAME', name, place)
    count = count + 1
end
return count
