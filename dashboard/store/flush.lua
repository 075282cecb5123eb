-- One report of one process. Counters come cumulative, with those that were acknowledged before: what is added is the
-- difference to what we have, so a lost report is made up for by the next, and a repeated one adds nothing.
-- ARGV: prefix, boot, seq, row, number of gauges, (name, value)..., (counter, value, acknowledged)...
-- Returns {seconds, microseconds, whether this process leads, how many are silent}.
-- Seconds: until a silent process is worth a look, until it is lost, what we remember of one, and of a lost one, until another one leads.
local QUIET, LEASE, KEPT, GONE, LEADS = 3, 10, 86400, 3600, 4
local CLASSES = 4000 -- counters of classes of groups that are told apart, four for each class
local prefix, boot, seq = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1])
local row, procs, marks = prefix .. 'p:' .. boot, prefix .. 'procs', prefix .. 'marks'

local function note(kind, ...)
  redis.call('XADD', prefix .. 'events', 'MAXLEN', '~', 1000, '*', 'kind', kind, 'at', now, ...)
end

if redis.call('EXISTS', row) == 0 and redis.call('EXISTS', prefix .. 'gone:' .. boot) == 1 then
  redis.call('RENAME', prefix .. 'gone:' .. boot, row)
  redis.call('ZREM', prefix .. 'gone', boot)
  note('returned', 'boot', boot)
end
local stored = redis.call('HGET', row, 'seq')
-- The one that leads does what is to be done once for all, until it is silent for some seconds.
local leader = prefix .. 'leader'
local leads = redis.call('GET', leader)
if leads == boot or not leads then
  redis.call('SET', leader, boot, 'EX', LEADS)
  leads = boot
end
local function answer()
  return {now, tonumber(time[2]), leads == boot and 1 or 0, redis.call('ZCOUNT', procs, '-inf', now - QUIET)}
end
if stored and seq <= tonumber(stored) then return answer() end

local at = 6
local gauges = {}
for _ = 1, tonumber(ARGV[5]) do
  gauges[#gauges + 1] = ARGV[at]
  gauges[#gauges + 1] = ARGV[at + 1]
  at = at + 2
end

-- A class of groups is counted for the first time. When there are too many it is one of the others: they are labels of metrics,
-- and processes come and go, each with names of its own.
local function bound(name, growth)
  if tonumber(redis.call('HGET', marks, 'classes') or 0) < CLASSES then
    redis.call('HINCRBY', marks, 'classes', 1)
    return
  end
  local alias, field = string.match(name, '^c|([^|]*)|.*|([^|]*)$')
  redis.call('HDEL', prefix .. 'total', name)
  redis.call('HINCRBY', prefix .. 'total', 'c|' .. alias .. '|other|' .. field, growth)
end

local bucket = prefix .. 't:1:' .. now
local SOME = 500 -- arguments of one call; Lua's stack has room for some thousands
for first = at, #ARGV, 3 * SOME do
  local last, names, set = math.min(first + 3 * SOME - 1, #ARGV), {}, {}
  for i = first, last, 3 do names[#names + 1] = 'c:' .. ARGV[i] end
  local before = stored and redis.call('HMGET', row, unpack(names)) or {}
  for i = first, last, 3 do
    local name, value = ARGV[i], ARGV[i + 1]
    local growth = tonumber(value) - (tonumber(before[(i - first) / 3 + 1] or ARGV[i + 2]) or 0)
    if growth ~= 0 then
      local total = redis.call('HINCRBY', prefix .. 'total', name, growth)
      if string.sub(name, 1, 2) ~= 'c|' then
        redis.call('HINCRBY', bucket, name, growth)
      elseif total == growth then
        bound(name, growth)
      end
    end
    set[#set + 1] = 'c:' .. name
    set[#set + 1] = value
  end
  redis.call('HSET', row, unpack(set))
end
redis.call('HSET', row, 'seq', seq, 'row', ARGV[4], 'at', now)
redis.call('DEL', prefix .. 'g:' .. boot)
if #gauges > 0 then redis.call('HSET', prefix .. 'g:' .. boot, unpack(gauges)) end
redis.call('EXPIRE', prefix .. 'g:' .. boot, KEPT)
redis.call('EXPIRE', row, KEPT)
redis.call('ZADD', procs, now, boot)

-- What is done once a second, by whoever comes first in it.
local last = tonumber(redis.call('HGET', marks, '1') or 0)
if now <= last then
  redis.call('EXPIRE', bucket, 700)
  return answer()
end
redis.call('HSET', marks, '1', now)

-- Gauges of the whole, and processes that are no more. A process of the same machine may vouch for one that stands still.
local sums = {}
local beats = redis.call('ZRANGE', procs, 0, -1, 'WITHSCORES')
for i = 1, #beats, 2 do
  local who, beat = beats[i], tonumber(beats[i + 1])
  local seen = tonumber(redis.call('HGET', prefix .. 'seen', who) or 0)
  if seen < 0 or (now - beat > LEASE and now - seen > LEASE) then
    redis.call('ZREM', procs, who)
    redis.call('HDEL', prefix .. 'seen', who)
    redis.call('DEL', prefix .. 'g:' .. who)
    if redis.call('EXISTS', prefix .. 'p:' .. who) == 1 then
      redis.call('RENAME', prefix .. 'p:' .. who, prefix .. 'gone:' .. who)
      redis.call('EXPIRE', prefix .. 'gone:' .. who, GONE)
      redis.call('ZADD', prefix .. 'gone', now, who)
      redis.call('ZREMRANGEBYSCORE', prefix .. 'gone', '-inf', now - GONE)
      redis.call('EXPIRE', prefix .. 'gone', GONE)
    end
    local found, facts = pcall(cjson.decode, redis.call('HGET', prefix .. 'gone:' .. who, 'row') or '')
    if found and facts.role and facts.pid and facts.host then
      note('lost', 'boot', who, 'who', facts.role .. ' ' .. string.format('%d', facts.pid) .. ' on ' .. facts.host)
    else
      note('lost', 'boot', who)
    end
  else
    local fields = redis.call('HGETALL', prefix .. 'g:' .. who)
    for j = 1, #fields, 2 do
      local name, value = fields[j], tonumber(fields[j + 1]) or 0
      if string.sub(name, 1, 4) == 'max.' then
        sums[name] = math.max(sums[name] or 0, value)
      else
        sums[name] = (sums[name] or 0) + value
      end
    end
  end
end
sums['processes'] = redis.call('ZCARD', procs)
local set = {}
for name, value in pairs(sums) do
  set[#set + 1] = 'g:' .. name
  set[#set + 1] = value
end
redis.call('HSET', bucket, unpack(set))
redis.call('EXPIRE', bucket, 700)

-- Seconds become tens of seconds, minutes, tens of minutes. What is past does not change any more, so this is exact.
local function roll(from, to, kept)
  local current = now - now % to
  local done = tonumber(redis.call('HGET', marks, tostring(to)) or current)
  local start = math.max(done, current - 60 * to)
  while start < current do
    local into, whole, seen = prefix .. 't:' .. to .. ':' .. start, {}, 0
    for part = start, start + to - from, from do
      local fields = redis.call('HGETALL', prefix .. 't:' .. from .. ':' .. part)
      if #fields > 0 then seen = seen + 1 end
      for j = 1, #fields, 2 do
        local name, value = fields[j], tonumber(fields[j + 1])
        if string.sub(name, 1, 6) == 'g:max.' then
          whole[name] = math.max(whole[name] or 0, value)
        else
          whole[name] = (whole[name] or 0) + value
        end
      end
    end
    for name, value in pairs(whole) do
      if string.sub(name, 1, 2) == 'g:' and string.sub(name, 1, 6) ~= 'g:max.' then value = math.floor(value / seen + 0.5) end
      redis.call('HINCRBY', into, name, value)
    end
    if seen > 0 then redis.call('EXPIRE', into, kept) end
    start = start + to
  end
  redis.call('HSET', marks, tostring(to), current)
end
roll(1, 10, 3700)
roll(10, 60, 87000)
roll(60, 600, 606000)
return answer()
