-- If the MTA does not offer an action that postseal must have, the session ends
-- at the negotiation. The log says why.
dofile("lib/session.lua")

local function refused(version, actions)
  local conn, fault = negotiate(version, ALL_STEPS, actions)
  check(string.format("version %d, actions %#x: refused", version, actions), fault ~= nil, true)
  mt.disconnect(conn, false)
end

refused(6, 0)
for bit = 0, 8 do
  refused(6, 2 ^ bit)
end
for _, needed in ipairs {0x01, 0x04, 0x08, 0x10, 0x20, 0x80} do
  refused(6, ALL_ACTIONS - needed)
end

-- The daemon serves on.
local conn = open(ALL_STEPS)
message(conn, "after", "<bob@gmail.com>", {"Subject", "x"}, TAGGED)
mt.disconnect(conn)
