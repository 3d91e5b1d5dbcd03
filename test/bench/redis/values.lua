-- What the value of a fixed key must be: 1000 hexadecimal digits, found from the key's number alone.
local digits = {}
for i = 1, 1600 do digits[i] = redis.sha1hex(i) end
local text = table.concat(digits)
local function value_of(number)
  local from = (number * 977) % (#text - 1000)
  return string.format('%012d', number) .. string.sub(text, from + 1, from + 988)
end
local function key_of(number)
  return string.format('fixed:%012d', number)
end
