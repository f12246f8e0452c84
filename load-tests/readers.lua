-- For wrk: people who read books, lists, searches and reviews by Zipf's law with s = 1; some of them write a review.
-- wrk -s readers.lua URL -- FILE_OF_IDS FILE_OF_PATHS FILE_OF_TOKENS SHARE_OF_WRITES COARSE TOKEN_OF_AN_ADMINISTRATOR SEED
--
-- With COARSE = 1 every review is followed by the clearing of all listings.

local ids, books, reviews, pages, tokens = {}, {}, {}, {}, {}
local threads = 0
local writes, coarse, seed
local clearing, due, written = nil, 0, 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(arguments)
   local accept = { ["Accept-Encoding"] = "gzip" }
   for id in io.lines(arguments[1]) do
      ids[#ids + 1] = id
      books[#books + 1] = wrk.format("GET", "/api/v1/products/" .. id, accept)
      reviews[#reviews + 1] = wrk.format("GET", "/api/v1/products/" .. id .. "/reviews", accept)
   end
   for path in io.lines(arguments[2]) do
      pages[#pages + 1] = wrk.format("GET", "/api/v1" .. path, accept)
   end
   for token in io.lines(arguments[3]) do
      tokens[#tokens + 1] = token
   end
   writes, coarse, seed = tonumber(arguments[4]), arguments[5] == "1", tonumber(arguments[7])
   clearing = wrk.format("DELETE", "/api/v1/admin/cache?tag=books:list", { ["Authorization"] = "Bearer " .. arguments[6] })
   -- Another one each time: nobody reviews the same book twice.
   math.randomseed(seed + number)
end

-- The inverse of the distribution function of 1/x, which is what Zipf's law is for s = 1 but for rounding.
local function draw(things)
   return things[math.min(#things, math.floor((#things + 1) ^ math.random()))]
end

function request()
   if due > 0 then
      due = due - 1
      return clearing
   end
   if math.random() < writes then
      if coarse then
         due = due + 1
      end
      written = written + 1
      local headers = {
         ["Authorization"] = "Bearer " .. tokens[math.random(#tokens)],
         ["Content-Type"] = "application/json",
         ["Idempotency-Key"] = string.format("load-test-%d-%d-%d", seed, number, written),
      }
      local body = string.format('{"rating": %d, "title": "As it is", "text": "Read in one night."}', math.random(1, 5))
      return wrk.format("POST", "/api/v1/products/" .. draw(ids) .. "/reviews", headers, body)
   end
   local kind = math.random()
   if kind < 0.7 then
      return draw(books)
   elseif kind < 0.8 then
      return draw(reviews)
   end
   return draw(pages)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "seconds": %.3f, "p50": %.4f, "p99": %.4f, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
