-- The rows of the keys in a range of the index, which is in the order of their bytes.
--
-- KEYS  prefix of rows, index of keys
-- ARGV  least and greatest key as ZRANGEBYLEX takes them, most rows, bytes after which a page ends, most keys to look at
-- Answers { 1 if there may be more, the last key looked at, { key, row }, … }.
--
-- A key of the index may have no row: it was dropped by Redis, and no apply has come since. Such keys are passed over.
local rows, index = KEYS[1], KEYS[2]
local least, greatest = ARGV[1], ARGV[2]
local limit, bytes_max, keys_max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local chunk = math.min(limit + 1, 1000)

local answer, last = { 1, '' }, ''
local found, bytes, looked = 0, 0, 0
while looked < keys_max do
  local keys = redis.call('ZRANGEBYLEX', index, least, greatest, 'LIMIT', 0, chunk)
  for _, key in ipairs(keys) do
    local row = redis.call('GET', rows .. key)
    if row then
      if found == limit or bytes >= bytes_max then
        answer[2] = last
        return answer
      end
      found = found + 1
      bytes = bytes + #row
      answer[#answer + 1] = { key, row }
    end
    last = key
  end
  if #keys < chunk then
    answer[1] = 0
    return answer
  end
  looked = looked + #keys
  least = '(' .. last
end
answer[2] = last
return answer
