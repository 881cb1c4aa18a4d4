#!lua flags=no-writes
-- Adds up some of a lane's jobs, as the counters should have them.
--
-- KEYS[1]  the lane's root
-- ARGV     index (live, ended), rank of the first job, how many jobs (0: only the mark)
-- Result   a mark that is the same again as long as the lane has not changed, how many jobs there were, names and sums in turn

local sums = {}
local function add(name, amount)
    if amount ~= 0 then sums[name] = (sums[name] or 0) + amount end
end

-- Only what is added up is read of each job: others wait for this.
local numbers = {'class', 'audio_ms', 'audio_done_ms'}
local count = tonumber(ARGV[3])
local ids = count > 0 and redis.call('ZRANGE', key(ARGV[1]), ARGV[2], ARGV[2] + count - 1) or {}
for _, id in ipairs(ids) do
    local stored = redis.call('HMGET', key('job', id), 'state', unpack(numbers))
    if stored[1] then
        local job = {state = stored[1]}
        for index, name in ipairs(numbers) do job[name] = tonumber(stored[index + 1] or nil) or 0 end
        add(job.state, 1)
        add('audio_ms_waiting', audio_ahead(job))
        if waits[job.state] then add('waiting_' .. (rank_names[job.class + 1] or job.class), 1) end
    end
end
local pairs_of_sums = {}
for name, sum in pairs(sums) do
    pairs_of_sums[#pairs_of_sums + 1] = name
    pairs_of_sums[#pairs_of_sums + 1] = sum
end
return {lane_mark(), #ids, pairs_of_sums}
