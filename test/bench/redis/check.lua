-- The number of keys whose value cannot be, or that are missing.
local wrong = 0
for number = 0, ARGV[1] - 1 do
  if redis.call('get', key_of(number)) ~= value_of(number) then wrong = wrong + 1 end
  local value = redis.call('get', string.format('load:%012d', number))
  if not value or #value ~= 768 or string.find(value, '%D') then wrong = wrong + 1 end
end
return wrong
