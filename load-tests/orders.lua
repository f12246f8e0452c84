-- For wrk: guests who buy. Every thread has one connection, and does one thing after the other over it: three books into a
-- new cart, the order, its payment. The last order that was begun in time is brought to its end.
-- wrk -t N -c N -s orders.lua URL -- FILE_OF_IDS SECONDS NAME

local ffi = require("ffi")
ffi.cdef [[
   typedef struct { long seconds; long nanoseconds; } moment;
   int clock_gettime(int clock, moment *now);
]]
local MONOTONIC = jit.os == "OSX" and 6 or 1
local moment = ffi.new("moment")

local function now()
   ffi.C.clock_gettime(MONOTONIC, moment)
   return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local ORDER = '{"email": "guest@example.org", "shipping_address": {"name": "Ada Lovelace", "line1": "Unter den Linden 1", '
   .. '"city": "Berlin", "postal_code": "10117", "country": "DE"}}'
local PAYMENT = '{"method": "tok_success"}'
local STEPS = { "first book", "second book", "third book", "order", "payment", "all" }

-- Threads as the main one sees them.
local threads = {}

-- What the main thread reads; tables do not get there, so the times are told as text.
told, orders, failures, failure, first, last, finished = "", 0, 0, "", 0, 0, 0

local ids, seconds, name
local times = {}
local step, books, token, order, begun, flow_begun, flows = 1, {}, nil, nil, 0, 0, 0

function setup(thread)
   thread:set("number", #threads)
   threads[#threads + 1] = thread
end

function init(arguments)
   ids = {}
   for id in io.lines(arguments[1]) do
      ids[#ids + 1] = id
   end
   seconds, name = tonumber(arguments[2]), arguments[3]
   math.randomseed(20251 + number)
end

local function draw()
   for position = 1, 3 do
      repeat
         books[position] = ids[math.random(#ids)]
      until books[position] ~= books[position - 1] and books[position] ~= books[position - 2]
   end
end

local function ask(method, path, body, keyed)
   local headers = { ["Content-Type"] = "application/json", ["Cart-Token"] = token }
   if keyed then
      headers["Idempotency-Key"] = string.format("%s-%d-%d-%d", name, number, flows, step)
   end
   return wrk.format(method, "/api/v1" .. path, headers, body)
end

-- May be asked twice for the same step: wrk tries it out at first.
function request()
   if step == 1 then
      draw()
   end
   begun = now()
   if step == 1 then
      flow_begun = begun
      first = first > 0 and first or begun
   end
   if step <= 3 then
      return ask("PUT", "/cart/items/" .. books[step], '{"quantity": 1}')
   elseif step == 4 then
      return ask("POST", "/orders", ORDER, true)
   end
   return ask("POST", "/orders/" .. order .. "/payments", PAYMENT, true)
end

local function note(position, time)
   times[#times + 1] = string.format("%d:%.3f", position, time * 1e3)
end

function response(status, headers, body)
   local ended = now()
   note(step, ended - begun)
   if status ~= (step <= 3 and 200 or 201) then
      failures, failure = failures + 1, STEPS[step] .. ": " .. status .. " " .. body:sub(1, 300)
      step = 5
   elseif step == 1 then
      token = headers["cart-token"]
   elseif step == 4 then
      order = headers["location"]:match("[^/]+$")
   elseif step == 5 then
      orders = orders + 1
      note(6, ended - flow_begun)
   end
   if step < 5 then
      step = step + 1
      return
   end
   step, token, flows, last = 1, nil, flows + 1, ended
   if ended - first >= seconds then
      told, finished = table.concat(times, " "), 1
      wrk.thread:stop()
   end
end

local function percentile(sorted, share)
   return sorted[math.max(1, math.ceil(#sorted * share))] or 0
end

function done(summary)
   local count, wrong, message, stopped, from, to = 0, 0, "", 0, math.huge, 0
   local all = {}
   for position = 1, #STEPS do
      all[position] = {}
   end
   for _, thread in ipairs(threads) do
      count, wrong, stopped = count + thread:get("orders"), wrong + thread:get("failures"), stopped + thread:get("finished")
      message = thread:get("failure") ~= "" and thread:get("failure") or message
      from, to = math.min(from, thread:get("first")), math.max(to, thread:get("last"))
      for position, time in thread:get("told"):gmatch("(%d):([%d.]+)") do
         table.insert(all[tonumber(position)], tonumber(time))
      end
   end
   local steps = {}
   for position, list in ipairs(all) do
      table.sort(list)
      steps[position] = string.format('"%s": {"p50": %.3f, "p99": %.3f}', STEPS[position], percentile(list, .5), percentile(list, .99))
   end
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"orders": %d, "requests": %d, "seconds": %.3f, "refused": %d, "broken": %d, "unfinished": %d, "message": "%s", "steps": {%s}}\n',
      count, summary.requests, to - from, wrong, errors.connect + errors.read + errors.write + errors.timeout, #threads - stopped,
      message:gsub('[%c"\\]', " "), table.concat(steps, ", ")))
end
