-- Versions 2 to 6, each with no protocol step on offer, with all, and with
-- each alone. What is not offered must not be used, and the session must work.
dofile("lib/session.lua")

local offers = {0, ALL_STEPS}
for bit = 0, 20 do
  offers[#offers + 1] = 2 ^ bit
end
for version = 2, 6 do
  for _, steps in ipairs(offers) do
    local name = string.format("version %d, steps %#x", version, steps)
    local conn, fault = negotiate(version, steps, ALL_ACTIONS)
    check(name, fault, nil)
    for bit = 0, 20 do
      if steps ~= ALL_STEPS and steps ~= 2 ^ bit then
        check(string.format("%s: uses %#x", name, 2 ^ bit), mt.test_option(conn, 2 ^ bit), false)
      end
    end
    check(name .. ": changes the body", mt.test_action(conn, SMFIF_CHGBODY), false)
    check(name .. ": changes the sender", mt.test_action(conn, SMFIF_CHGFROM), false)
    check(name .. ": connect", mt.conninfo(conn, "client.example", "192.0.2.7"), nil)
    for _ = 1, 2 do
      for _, stage in ipairs(stages) do
        run(conn, stage)
      end
      finish(conn, name, DIVERTED)
      check(name .. ": deleted", mt.eom_check(conn, MT_RCPTDELETE, "<bob@gmail.com>"), true)
    end
    check(name .. ": quit", mt.disconnect(conn), nil)
  end
end

-- Nothing but what postseal must do: it asks for no list of macros.
local conn, fault = negotiate(6, ALL_STEPS, 0xbd)
check("the least actions", fault, nil)
check("asks for a list of macros", mt.test_action(conn, SMFIF_SETSYMLIST), false)
check("connect", mt.conninfo(conn, "client.example", "192.0.2.7"), nil)
message(conn, "the least actions", "<bob@gmail.com>", {"Subject", "[secure] x"}, DIVERTED)
mt.disconnect(conn)
