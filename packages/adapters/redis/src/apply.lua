-- Writes each row unless the stored one has a greater or equal (timestamp, replica), and raises the flushed counters.
--
-- A script runs alone, but what it has done before it fails stays done. So everything that may fail comes first, and only reads;
-- and Redis refuses a script for want of memory or disk at its first write, never at a later one.
--
-- KEYS  prefix of rows, index of keys, index of rows that go, flushed counters, registry
-- ARGV  milliseconds that a deleted or expired row stays, number of rows, epoch of the batch or "";
--       per row: key, "" or "deleted" or when it expires, its bytes as stored; then replica, counter, …
-- Answers 0; or the number of the row whose stored bytes are no row; or, negative, the later epoch that the registry has.
--
-- All numbers are whole and below 2^53, so Lua compares them exactly; they are stored as the text that came in. Calls of Redis cost more
-- than what they do for a small row, so one does for many rows where it can.
local call, match, unpack, min = redis.call, string.match, unpack, math.min
local rows, index, going, flushed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local kept_ms, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local FIRST, FIELDS = 4, 3
local HEAD_BYTES = 80
local SWEPT_MIN = 16
local MEMBERS_MAX = 2000

local epoch, current = tonumber(ARGV[3]), tonumber(call('HGET', KEYS[5], 'epoch') or '0')
if epoch and current > epoch then return -current end

local names, known = {}, 0
for row = 1, count do names[row] = rows .. ARGV[FIRST + (row - 1) * FIELDS] end
for first = 1, count, MEMBERS_MAX do
  known = known + call('EXISTS', unpack(names, first, min(first + MEMBERS_MAX - 1, count)))
end

-- What MSET and ZADD get, and the rows that go or might have gone.
local written, fresh, ending = {}, {}, {}
for row = 1, count do
  local at = FIRST + (row - 1) * FIELDS
  local head = known == 0 and '' or call('GETRANGE', names[row], 0, HEAD_BYTES - 1)
  local wins, had_end = true, false
  if head == '' then
    fresh[#fresh + 1] = 0
    fresh[#fresh + 1] = ARGV[at]
  else
    local timestamp, replica, expires_at, kind = match(head, '^(%d+) (%d+) %d+ (%d+) (%l+)\n')
    if not timestamp then return row end
    local new_timestamp, new_replica = match(ARGV[at + 2], '^(%d+) (%d+)')
    local difference = tonumber(new_timestamp) - tonumber(timestamp)
    wins = difference > 0 or (difference == 0 and tonumber(new_replica) > tonumber(replica))
    had_end = expires_at ~= '0' or kind == 'deleted'
  end
  if wins then
    written[#written + 1] = names[row]
    written[#written + 1] = ARGV[at + 2]
    if had_end or ARGV[at + 1] ~= '' then ending[#ending + 1] = at end
  end
end

local raised = {}
for at = FIRST + count * FIELDS, #ARGV, 2 do
  if tonumber(ARGV[at + 1]) > tonumber(call('HGET', flushed, ARGV[at]) or '0') then
    raised[#raised + 1] = ARGV[at]
    raised[#raised + 1] = ARGV[at + 1]
  end
end
-- Fails here, and not later, where something else stands under these names.
call('ZCARD', index)
call('ZCARD', going)
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

for first = 1, #fresh, MEMBERS_MAX do
  call('ZADD', index, unpack(fresh, first, min(first + MEMBERS_MAX - 1, #fresh)))
end
for first = 1, #written, MEMBERS_MAX do
  call('MSET', unpack(written, first, min(first + MEMBERS_MAX - 1, #written)))
end
for _, at in ipairs(ending) do
  local key, ends = ARGV[at], ARGV[at + 1]
  if ends == '' then
    call('ZREM', going, key)
  else
    -- Not gone when it expires, but later: until then it has to win over older writes that come late.
    local gone_at = string.format('%.0f', math.max(tonumber(ends) or 0, now) + kept_ms)
    call('PEXPIREAT', rows .. key, gone_at)
    call('ZADD', going, gone_at, key)
  end
end
for first = 1, #raised, MEMBERS_MAX do
  call('HSET', flushed, unpack(raised, first, min(first + MEMBERS_MAX - 1, #raised)))
end

-- Redis drops the rows by itself; their keys in the indexes are dropped here, faster than they come.
local due = call('ZRANGEBYSCORE', going, '-inf', string.format('(%.0f', now), 'LIMIT', 0, 2 * count + SWEPT_MIN)
for _, key in ipairs(due) do
  call('DEL', rows .. key)
  call('ZREM', index, key)
  call('ZREM', going, key)
end
return 0
