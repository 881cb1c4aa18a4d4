#!lua flags=allow-oom
-- Pauses a lane, so that nothing more is claimed there, or ends its pause.
--
-- KEYS[1]  the lane's root
-- ARGV     whether to pause (1) or resume (0), reason, by whom, for how many seconds (0: until it is resumed), whether what
--          runs is frozen at once (0, 1)
-- Result   the lane's hint
-- Events   queue_paused, also where a pause is replaced by another; queue_resumed; a lane that is not paused is not resumed

local pauses, reason, by, seconds, freezes = ARGV[1] == '1', ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

if pauses then
    redis.call('DEL', key('pause'))
    redis.call(
        'HSET', key('pause'), 'reason', reason, 'by', by, 'paused_at_ms', now_ms, 'freezes', freezes,
        'until_ms', seconds > 0 and now_ms + seconds * 1000 or 0)
    append('queue_paused', {reason = reason})
else
    end_pause(reason)
end
return hint()
