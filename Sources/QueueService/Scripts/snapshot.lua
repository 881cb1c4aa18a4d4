#!lua flags=no-writes
-- Lists live jobs in queue order, with the place in the log that they are true at.
--
-- KEYS[1]  the lane's root
-- ARGV     score after which to begin (-inf: at the beginning), how many jobs at most
-- Result   id of the last event of the log, score of the last job listed (empty: there are no more), the values of each job

local last = redis.call('XREVRANGE', key('log'), '+', '-', 'COUNT', 1)[1]
local ids = redis.call('ZRANGE', key('live'), '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
local jobs = {}
for index = 1, #ids, 2 do jobs[#jobs + 1] = values(load(ids[index])) end
return {last and last[1] or '0-0', #jobs == tonumber(ARGV[2]) and ids[#ids] or '', jobs}
