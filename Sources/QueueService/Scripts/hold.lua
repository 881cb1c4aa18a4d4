#!lua flags=allow-oom
-- Gives a lane's lease to a worker, or renews it.
--
-- KEYS[1]  the lane's root
-- ARGV     worker id, lease (a random token; the one that it holds to renew), length of the lease in ms, why no song of
--          background work may be begun (empty: one may), until when in ms (0: not known), how many lanes there are, then three for
--          each item of the lane that the worker has a child for: job id, epoch, claim
-- Result   "taken" where another worker holds the lane; else "granted" or "renewed", the lane's hint, and the ordinal (from 1)
--          of each item to keep: the worker kills the children of the others
-- Events   worker_lost: in_progress ──▶ pending, where a lane is granted to a worker that does not have its running item;
--          failed, where the item took its worker down too often. A worker that still holds its lane has not gone down.
--          due: scheduled ──▶ pending

local worker, lease, lease_ms, gate, gate_until_ms, lanes = unpack(ARGV, 1, 6)
local holder = redis.call('HMGET', key('lease'), 'worker', 'token')
if holder[1] and holder[1] ~= worker then return {'taken'} end

local renewed = holder[2] == lease
local running = redis.call('GET', key('running'))
local keeps, has_running = {}, false
for index = 7, #ARGV, 3 do
    local job = load(ARGV[index])
    local is_it = job and job.epoch == tonumber(ARGV[index + 1]) and job.claim == ARGV[index + 2]
    if is_it and running == job.id then has_running = true end
    -- A message that renews may have crossed an Exchange that moved the item on: then only an end is certain.
    if job and not ended[job.state] and (renewed or (is_it and (running == job.id or job.state ~= 'pending'))) then
        keeps[#keeps + 1] = (index - 4) / 3
    end
end

redis.call('HSET', key('lease'), 'worker', worker, 'token', lease, 'lanes', lanes)
redis.call('PEXPIRE', key('lease'), lease_ms)
if gate == '' then
    redis.call('DEL', key('gate'))
else
    redis.call('HSET', key('gate'), 'reason', gate, 'until_ms', gate_until_ms)
    redis.call('PEXPIRE', key('gate'), lease_ms)
end
if not renewed and not has_running then lose_running_item(not holder[1]) end
wake_due()
return {renewed and 'renewed' or 'granted', hint(), keeps}
