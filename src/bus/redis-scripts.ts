// The Lua scripts of the durable log and the lease board over Redis: each is one step that nobody sees half done.

/** A script and the name under which Redis keeps it. */
export class Script {
  readonly sha: string;

  constructor(readonly lua: string) {
    this.sha = new Bun.CryptoHasher('sha1').update(lua).digest('hex');
  }
}

// Byte by byte: how Lua compares strings depends on the locale of the server.
const AFTER = `
local function after(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return #a > #b
end
`;

/**
 * Appends payloads to the stream of a generation. KEYS: head (holds the generation), stream, marks. ARGV: generation, first
 * position, last position that the caller knows of, most events, longest age in ms (0 = any), channel, payloads.
 * Returns the last position of the stream, or -1 when its generation is newer.
 *
 * Trims also when Redis is out of memory, so that there is room for the next attempt. A mark says which position was the
 * last at a time: entry ids are positions and tell no time.
 */
export const APPEND = new Script(`${AFTER}
local head, stream, marks = KEYS[1], KEYS[2], KEYS[3]
local first, known = tonumber(ARGV[2]), tonumber(ARGV[3])
local most, age = tonumber(ARGV[4]), tonumber(ARGV[5])
local held = redis.call('GET', head)
if held and held ~= ARGV[1] and after(held, ARGV[1]) then return -1 end
local last = 0
if redis.call('EXISTS', stream) == 1 then
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
  end
  if first > last + 1 then return last end
elseif known > 0 then
  return 0
end
local target = first + #ARGV - 7
if target <= last then return last end
-- A script is refused for want of memory at its first write only, and a trim is allowed always: so this one asks.
local wrote = redis.pcall('SET', head, ARGV[1])
if held and held ~= ARGV[1] and not wrote.err then redis.call('UNLINK', head .. ':' .. held, marks) end
local now
if age > 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local limit = string.format('%.0f', now - age)
  local old = redis.call('ZREVRANGEBYSCORE', marks, limit, '-inf', 'LIMIT', 0, 1)[1]
  if old then
    redis.call('XTRIM', stream, 'MINID', '~', string.format('%.0f-0', tonumber(old) + 1))
    redis.call('ZREMRANGEBYSCORE', marks, '-inf', limit)
  end
end
if most > 0 then redis.call('XTRIM', stream, 'MAXLEN', '~', ARGV[4]) end
if wrote.err then return wrote end
for i = math.max(0, last + 1 - first), #ARGV - 7 do
  redis.call('XADD', stream, string.format('%.0f-0', first + i), 'e', ARGV[7 + i])
end
if now then
  local newest = redis.call('ZRANGE', marks, -1, -1, 'WITHSCORES')[2]
  if not newest or now - tonumber(newest) >= age / 64 then
    redis.call('ZADD', marks, string.format('%.0f', now), string.format('%.0f', target))
  end
end
redis.call('PUBLISH', ARGV[6], '')
return target
`);

/** KEYS: head. Returns generation, first and last position; '' and zeros when nothing was ever appended. */
export const BOUNDS = new Script(`
local held = redis.call('GET', KEYS[1])
local stream = KEYS[1] .. ':' .. (held or '')
if not held or redis.call('EXISTS', stream) == 0 then return {'', '0', '0'} end
local last = '0'
local info = redis.call('XINFO', 'STREAM', stream)
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then last = string.match(info[i + 1], '^%d+') end
end
local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
return {held, first and string.match(first[1], '^%d+') or string.format('%.0f', tonumber(last) + 1), last}
`);

/**
 * KEYS: heads. ARGV: most events and bytes of one stream, then generation and position of each reader's place. Returns for each stream
 * that has events a list: index of the place, generation, position of the first event, payloads. A stream is looked at in
 * steps that its own events size, so that a few large ones do not fill the memory; one event comes however large it is.
 */
export const READ = new Script(`${AFTER}
local most, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = {}
for k = 1, #KEYS do
  local held, generation = redis.call('GET', KEYS[k]), ARGV[2 * k + 1]
  if held and (held == generation or after(held, generation)) then
    local stream = KEYS[k] .. ':' .. held
    local from = held == generation and '(' .. ARGV[2 * k + 2] .. '-0' or '-'
    local batch, bytes, step = {k - 1, held, 0}, 0, math.min(most, 8)
    local nextPosition
    while step > 0 do
      local entries = redis.call('XRANGE', stream, from, '+', 'COUNT', step)
      local done = #entries < step
      for i = 1, #entries do
        local position, payload = tonumber(string.match(entries[i][1], '^%d+')), entries[i][2][2]
        if not nextPosition then
          batch[3] = string.format('%.0f', position)
        elseif position ~= nextPosition or bytes + #payload > room then
          done = true
          break
        end
        nextPosition = position + 1
        bytes = bytes + #payload
        batch[#batch + 1] = payload
      end
      local count = #batch - 3
      if done or count >= most then break end
      from = string.format('(%.0f-0', nextPosition - 1)
      step = math.min(most - count, math.floor((room - bytes) / (bytes / count + 1)) + 1, 512)
    end
    if nextPosition then found[#found + 1] = batch end
  end
end
return found
`);

/** KEYS: head. ARGV: position. Forgets a part of what is at and before it; returns how much, 0 when nothing is left to forget. */
export const TRIM = new Script(`
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local stream = KEYS[1] .. ':' .. held
local id = string.format('%.0f-0', tonumber(ARGV[1]) + 1)
local gone = redis.call('XTRIM', stream, 'MINID', '~', id, 'LIMIT', 10000)
if gone == 0 then redis.call('XTRIM', stream, 'MINID', '=', id) end
return gone
`);

/**
 * KEYS: the key that stands for the messages. ARGV: channel, text. Publishes, but only on the node of a cluster that owns the key;
 * without arguments it says whether that is so.
 */
export const PUBLISH = new Script(`
return ARGV[1] and redis.call('PUBLISH', ARGV[1], ARGV[2]) or 0
`);

// Groups that nobody uses any more do not stay in Redis for ever.
const FORGOTTEN_MS = 30 * 86_400_000;

const NOW = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`;

// A lease is kept as `<epoch> <end in ms> <Redis that gave it> <member>` in a hash by resource, and after its end too.
const LEASE = `
local function lease(text)
  if not text then return 0, 0, nil, '' end
  local epoch, till, giver, member = string.match(text, '^(%d+) (%d+) (%x+) (.*)$')
  return tonumber(epoch), tonumber(till), giver, member
end
local function put(resource, epoch, till, giver, member)
  -- Leases go on when Redis is out of memory: a script is refused for that at its first write only, and this one is allowed always.
  redis.call('HDEL', KEYS[1], '')
  redis.call('HSET', KEYS[1], resource, string.format('%.0f %.0f %s %s', epoch, till, giver, member))
end
local function stop(resource, text)
  local epoch, till, giver, member = lease(text)
  if till > 0 and member == ARGV[1] then put(resource, epoch, 0, giver, member) end
end
`;

/** KEYS: members. ARGV: member, ttl in ms. Returns all members that live. */
export const HEARTBEAT = new Script(`${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ${FORGOTTEN_MS})
return redis.call('ZRANGE', KEYS[1], 0, -1)
`);

/**
 * KEYS: leases. ARGV: member, ttl in ms, then resource and least epoch of each. Returns resource and epoch of those held now.
 * A Redis that was started anew, took over from another or knows less than the claimer may lack the last leases: the epochs that
 * it gives are then at least the time in ms, so that it does not give to one member what another got already.
 */
export const CLAIM = new Script(`${NOW}${LEASE}
local held, run = {}, nil
for i = 3, #ARGV, 2 do
  local resource, least = ARGV[i], tonumber(ARGV[i + 1])
  local epoch, till, giver, member = lease(redis.call('HGET', KEYS[1], resource))
  local inForce = till > now
  if not inForce or member == ARGV[1] then
    if not inForce or epoch < least then
      run = run or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
      local sure = epoch >= least and (giver == nil or giver == run)
      epoch = sure and epoch + 1 or math.max(epoch + 1, least + 1, now)
      giver = run
    end
    put(resource, epoch, now + tonumber(ARGV[2]), giver, ARGV[1])
    held[#held + 1] = resource
    held[#held + 1] = string.format('%.0f', epoch)
  end
end
redis.call('PEXPIRE', KEYS[1], ${FORGOTTEN_MS})
return held
`);

/** KEYS: leases. ARGV: member, resources. Ends those of them that the member holds. */
export const RELEASE = new Script(`${LEASE}
for i = 2, #ARGV do stop(ARGV[i], redis.call('HGET', KEYS[1], ARGV[i])) end
return 0
`);

/** KEYS: leases, members. ARGV: member. Ends the membership and all leases of it. */
export const LEAVE = new Script(`${LEASE}
redis.call('ZREM', KEYS[2], ARGV[1])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do stop(all[i], all[i + 1]) end
return 0
`);

/** KEYS: leases. Returns resource, member and epoch of those in force. */
export const HOLDERS = new Script(`${NOW}${LEASE}
local held = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local epoch, till, _, member = lease(all[i + 1])
  if till > now then
    held[#held + 1] = all[i]
    held[#held + 1] = member
    held[#held + 1] = string.format('%.0f', epoch)
  end
end
return held
`);
