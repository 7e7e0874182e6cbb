-- Writes each row unless the stored one has a greater or equal (timestamp, replica), and raises the flushed counters.
--
-- A script runs alone, but what it has done before it fails stays done. So everything that may fail comes first, and only reads;
-- and Redis refuses a script for want of memory or disk at its first write, never at a later one.
--
-- KEYS  prefix of rows, index of keys, index of rows that go, flushed counters, registry
-- ARGV  milliseconds that a deleted or expired row stays, number of rows, epoch of the batch or "";
--       per row: key, timestamp, replica, expiresAt, "deleted" or "value", its bytes as stored; then replica, counter, …
-- Answers 0; or the number of the row whose stored bytes are no row; or, negative, the later epoch that the registry has.
--
-- All numbers are whole and below 2^53, so Lua compares them exactly; they are stored as the text that came in.
local rows, index, going, flushed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local kept_ms, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local FIRST, FIELDS = 4, 6
local HEAD_BYTES = 80
local SWEPT_MIN = 16
local MEMBERS_MAX = 2000

local epoch, current = tonumber(ARGV[3]), tonumber(redis.call('HGET', KEYS[5], 'epoch') or '0')
if epoch and current > epoch then return -current end

local winners, had_end, fresh = {}, {}, {}
for row = 1, count do
  local at = FIRST + (row - 1) * FIELDS
  local head = redis.call('GETRANGE', rows .. ARGV[at], 0, HEAD_BYTES - 1)
  if head == '' then
    winners[#winners + 1] = at
    fresh[#fresh + 1] = 0
    fresh[#fresh + 1] = ARGV[at]
  else
    local timestamp, replica, expires_at, kind = string.match(head, '^(%d+) (%d+) %d+ (%d+) (%l+)\n')
    if not timestamp then return row end
    local difference = tonumber(ARGV[at + 1]) - tonumber(timestamp)
    if difference > 0 or (difference == 0 and tonumber(ARGV[at + 2]) > tonumber(replica)) then
      winners[#winners + 1] = at
      had_end[at] = expires_at ~= '0' or kind == 'deleted'
    end
  end
end

local raised = {}
for at = FIRST + count * FIELDS, #ARGV, 2 do
  if tonumber(ARGV[at + 1]) > tonumber(redis.call('HGET', flushed, ARGV[at]) or '0') then
    raised[#raised + 1] = ARGV[at]
    raised[#raised + 1] = ARGV[at + 1]
  end
end
-- Fails here, and not later, where something else stands under these names.
redis.call('ZCARD', index)
redis.call('ZCARD', going)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

for first = 1, #fresh, MEMBERS_MAX do
  redis.call('ZADD', index, unpack(fresh, first, math.min(first + MEMBERS_MAX - 1, #fresh)))
end
for _, at in ipairs(winners) do
  local key, expires_at = ARGV[at], tonumber(ARGV[at + 3])
  redis.call('SET', rows .. key, ARGV[at + 5])
  if expires_at > 0 or ARGV[at + 4] == 'deleted' then
    -- Not gone when it expires, but later: until then it has to win over older writes that come late.
    local gone_at = string.format('%.0f', math.max(expires_at, now) + kept_ms)
    redis.call('PEXPIREAT', rows .. key, gone_at)
    redis.call('ZADD', going, gone_at, key)
  elseif had_end[at] then
    redis.call('ZREM', going, key)
  end
end
for first = 1, #raised, MEMBERS_MAX do
  redis.call('HSET', flushed, unpack(raised, first, math.min(first + MEMBERS_MAX - 1, #raised)))
end

-- Redis drops the rows by itself; their keys in the indexes are dropped here, faster than they come.
local due = redis.call('ZRANGEBYSCORE', going, '-inf', string.format('(%.0f', now), 'LIMIT', 0, 2 * count + SWEPT_MIN)
for _, key in ipairs(due) do
  redis.call('DEL', rows .. key)
  redis.call('ZREM', index, key)
  redis.call('ZREM', going, key)
end
return 0
